/** Rows of expansions and their jobs. All functions that write run in the caller's transaction. */

import type { Cause } from '../../domain/changes.ts';
import type { ExpansionChange, ExpansionEffects, JobChange, RunningExpansion } from '../../domain/expansions.ts';
import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import type { ComputedWith } from '../../domain/run-facts.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { ConsentBases, Excluded, Expansion, ExpansionSets, Pins, Reason } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import {
  boundsOf,
  type Column,
  insertRow,
  json,
  pageOf,
  plain,
  type RowOf,
  readRow,
  refuseDamaged,
  selectList,
  updateRow,
  type Written,
} from './columns.ts';
import type { EventLog } from './events.ts';
import { toJson } from './json.ts';
import { type RemainingTime, remainingTimes } from './remaining-time.ts';
import type { Bound, RowReference, Sql, Transaction } from './sql.ts';
import { recordEnd } from './unused-blobs.ts';

/** The columns of an expansion. Add a new column here, in `toExpansion`, and where it is written. */
const EXPANSION_COLUMNS = {
  number: plain<number>('e.number'),
  id: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  cause: plain<Cause>('e.cause'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  reason: json<Reason | null>('e.reason'),
  features: json<Expansion['features']>('e.features'),
  filters: json<Expansion['filters']>('e.filters'),
  received: plain<number>('e.seeds_received'),
  known: plain<number>('e.seeds_known'),
  unknown: plain<number>('e.seeds_unknown'),
  outside: plain<number>('e.seeds_outside'),
  duplicate: plain<number>('e.seeds_duplicate'),
  unknownExamples: json<string[]>('e.unknown_examples'),
  positives: plain<number>('e.positives'),
  dismissed: plain<number>('e.dismissed'),
  negatives: plain<number>('e.negatives'),
  negativeWeight: plain<number>('e.negative_weight'),
  category: plain<SpecialCategory | null>('e.category'),
  fourFifths: plain<string | null>('e.four_fifths'),
  excluded: json<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: json<Record<string, number>>('e.timings'),
  computedWith: json<ComputedWith | null>('e.computed_with'),
  quality: json<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('(SELECT min(version) FROM audiences a WHERE a.expansion = e.number)'),
  createdAt: plain<number>('e.created_at'),
  startedAt: plain<number | null>('e.started_at'),
  updatedAt: plain<number>('e.updated_at'),
};

/** Columns of expansions and their jobs. */
function toExpansion(row: RowOf<typeof EXPANSION_COLUMNS>, remainingMs: number | null): Expansion {
  const { received, known, unknown, outside, duplicate, unknownExamples } = row;
  return {
    id: row.id,
    campaignId: row.campaignId,
    cause: row.cause,
    state: row.state,
    progress: row.progress,
    reason: row.reason,
    features: row.features,
    filters: row.filters,
    seeds: { received, known, unknown, ...(outside > 0 && { outside }), duplicate, unknownExamples },
    feedback: { positives: row.positives, dismissed: row.dismissed },
    negatives: row.negatives,
    negativeWeight: row.negativeWeight,
    category: row.category,
    fourFifths: row.fourFifths,
    excluded: row.excluded,
    modelVersion: row.modelVersion,
    populationVersion: row.populationVersion,
    timings: row.timings,
    computedWith: row.computedWith,
    quality: row.quality,
    audienceVersion: row.audienceVersion,
    remainingMs,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    updatedAt: row.updatedAt,
  };
}

/** Columns for the fields that a decision has set. */
function expansionWrites(change: ExpansionChange) {
  return {
    state: change.state,
    reason: toJson(change.reason),
    progress: change.progress,
    started_at: change.startedAt,
    updated_at: change.updatedAt,
    model_version: change.modelVersion,
    population_version: change.populationVersion,
    excluded: toJson(change.excluded),
    timings: toJson(change.timings),
    computed_with: toJson(change.computedWith),
    quality: toJson(change.quality),
    receipt: toJson(change.receipt),
  };
}

/** The user sets of an expansion. */
const SETS = {
  seeds: plain<string>('seed_set'),
  positives: plain<string | null>('positive_set'),
  dismissed: plain<string | null>('dismissed_set'),
  negatives: plain<string | null>('negative_set'),
  suppression: plain<string | null>('suppression_set'),
  commonSuppression: plain<string | null>('common_suppression_set'),
} satisfies Record<keyof ExpansionSets, Column<unknown>>;

/** Columns of an expansion that has not ended, and of its job. */
const RUNNING = {
  number: plain<number>('e.number'),
  job: plain<number>('j.number'),
  jobId: plain<string>('j.id'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  startedAt: plain<number | null>('e.started_at'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  attempt: plain<number>('j.attempt'),
  deaths: plain<number>('j.deaths'),
  token: plain<number>('j.token'),
  leaseUntil: plain<number | null>('j.lease_until'),
};

/** A running expansion with the numbers of its rows. */
export type RunningRow = RunningExpansion & { readonly number: number; readonly job: number; readonly jobId: string };

function toRunning(stored: unknown): RunningRow {
  const { modelVersion, populationVersion, ...row } = readRow(RUNNING, stored);
  return { ...row, pins: pinsOf(modelVersion, populationVersion) };
}

function pinsOf(modelVersion: string | null, populationVersion: string | null): Pins | null {
  return modelVersion === null || populationVersion === null ? null : { modelVersion, populationVersion };
}

/** The job columns that the owner receives, without sets and pins. */
export const JOB_COLUMNS = {
  id: plain<string>('j.id'),
  expansionId: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  attempt: plain<number>('j.attempt'),
  deaths: plain<number>('j.deaths'),
  owner: plain<string>('j.owner'),
  token: plain<number>('j.token'),
  externalId: plain<string | null>('c.external_id'),
  features: json<CampaignFeatures>('e.features'),
  filters: json<Filters>('e.filters'),
  negativeWeight: plain<number>('e.negative_weight'),
  category: plain<SpecialCategory | null>('e.category'),
  fourFifths: plain<string | null>('e.four_fifths'),
  consentBases: json<ConsentBases>('e.consent_bases'),
  queuedAt: plain<number>('j.queued_at'),
  traceparent: plain<string | null>('j.traceparent'),
};

const SELECT_EXPANSION = `
  SELECT ${selectList(EXPANSION_COLUMNS)}
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

const SELECT_RUNNING = `SELECT ${selectList(RUNNING)} FROM jobs j JOIN expansions e ON e.number = j.expansion`;

/** Inserts an expansion as the campaign's latest, and returns its number. */
export async function insertExpansion(t: Sql, written: Written & { readonly campaign: number }): Promise<number> {
  const { campaign } = written;
  await t.run('UPDATE expansions SET latest = false WHERE campaign = @campaign AND latest', { campaign });
  return insertRow(t, 'expansions', { ...written, latest: true });
}

/** Expansions that have not ended; `which` follows FROM, and must name the job `j` and the expansion `e`. */
export async function runningExpansions(sql: Sql, which: string, bound: Bound = {}): Promise<RunningRow[]> {
  const rows = await sql.all(`${SELECT_RUNNING} ${which}`, bound);
  return rows.map(toRunning);
}

/**
 * Writes a decision about an expansion in the caller's transaction. The event at the end of the expansion belongs to
 * the given trace or, by default, to that of the job.
 */
export async function applyEffects(
  t: Transaction,
  events: EventLog,
  { number, job, token }: RunningRow,
  effects: ExpansionEffects,
  now: number,
  trace: string | null = null,
): Promise<void> {
  await updateRow(t, 'expansions', number, expansionWrites(effects.expansion));
  if (effects.isTold) await events.expansionEnded(t, number, now, trace);
  if (effects.job !== 'removed') return writeJob(t, job, effects.job);
  await t.run('DELETE FROM jobs WHERE number = @job', { job });
  await recordEnd(t, number, token, now);
}

/** Writes only the fields of a job that changed. */
export async function writeJob(t: Sql, job: number, change: JobChange): Promise<void> {
  const { owner, leaseUntil, runAfter, attempt, deaths, token } = change;
  await updateRow(t, 'jobs', job, { owner, lease_until: leaseUntil, run_after: runAfter, attempt, deaths, token });
}

/** The number and the state of an expansion; undefined if the campaign has no such expansion. */
export function findExpansion(
  sql: Sql,
  campaignId: string,
  id: string,
): Promise<Pick<RunningRow, 'number' | 'state'> | undefined> {
  return sql.get(
    `SELECT e.number, e.state FROM expansions e JOIN campaigns c ON c.number = e.campaign
     WHERE c.id = @campaignId AND e.id = @id`,
    { campaignId, id },
  );
}

/**
 * Within a transaction, pass a `remaining` that was read before the transaction began.
 * @throws AppError expansion_not_found, database_damaged
 */
export async function getExpansion(
  sql: Sql,
  campaignId: string,
  id: string,
  remaining?: RemainingTime,
): Promise<Expansion> {
  const stored = await sql.get<{ readonly number: number }>(
    `${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.id = @id`,
    { campaignId, id },
  );
  if (stored === undefined) throw expansionNotFound(campaignId, id);
  await refuseDamaged(sql, referencesOf(stored));
  const row = readRow(EXPANSION_COLUMNS, stored);
  remaining ??= await remainingTimes(sql, [row]);
  return toExpansion(row, remaining(row.number));
}

/** Lists expansions, newest first. @throws AppError invalid_cursor */
export async function listExpansions(sql: Sql, campaignId: string, query: PageQuery): Promise<Page<Expansion>> {
  const rows = await sql.all<Pick<RunningRow, 'number' | 'state'>>(
    `${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.number < @before ORDER BY e.number DESC LIMIT @most`,
    { campaignId, ...boundsOf('expansions', query) },
  );
  const remaining = await remainingTimes(sql, rows);
  return pageOf(sql, 'expansions', rows, query.limit, referencesOf, (row) =>
    toExpansion(readRow(EXPANSION_COLUMNS, row), remaining(row.number)),
  );
}

export async function setsOf(sql: Sql, number: number): Promise<ExpansionSets> {
  return (await findSets(sql, 'number = @number', { number }))!;
}

/** Like `setsOf`, but for the expansion with this id. @throws AppError expansion_not_found */
export async function setsOfId(sql: Sql, id: string): Promise<ExpansionSets> {
  const sets = await findSets(sql, 'id = @id', { id });
  if (sets === undefined) throw new AppError('expansion_not_found', `there is no expansion ${id}`);
  return sets;
}

/** The sets of an expansion; undefined if there is no such expansion. `which` follows WHERE. */
async function findSets(sql: Sql, which: string, bound: Bound): Promise<ExpansionSets | undefined> {
  const row = await sql.get(`SELECT ${selectList(SETS)} FROM expansions WHERE ${which}`, bound);
  return row && readRow(SETS, row);
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['expansions', { number }]];
}
