/** Rows of expansions and their jobs. Every function that writes runs inside the caller's transaction. */
import type { ExpansionChange, ExpansionEffects, JobChange, RunningExpansion } from '../../../domain/expansions.ts';
import { expansionNotFound } from '../../../domain/not-found.ts';
import type { ComputedWith } from '../../../domain/run-facts.ts';
import type { ExpansionState } from '../../../domain/states.ts';
import type {
  Cause,
  Excluded,
  Expansion,
  ExpansionSets,
  Page,
  PageQuery,
  Pins,
  Reason,
} from '../../../domain/types.ts';
import { AppError } from '../../../lib/errors.ts';
import {
  boundsOf,
  type Column,
  insertRow,
  pageOf,
  plain,
  type RowOf,
  readRow,
  selectList,
  updateRow,
  type Written,
} from '../database/columns.ts';
import type { Sql, Transaction } from '../database/database.ts';
import { type Bound, toJson } from '../database/statement.ts';
import { recordEnd } from '../upkeep/unused-blobs.ts';
import type { EventLog } from './events.ts';
import { type RemainingTime, remainingTimes } from './remaining-time.ts';

/** The columns of an expansion. A new column is added here, in `toExpansion`, and where it is written. */
const COLUMNS = {
  number: plain<number>('e.number'),
  id: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  cause: plain<Cause>('e.cause'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  reason: plain<Reason | null>('e.reason'),
  features: plain<Expansion['features']>('e.features'),
  filters: plain<Expansion['filters']>('e.filters'),
  received: plain<number>('e.seeds_received'),
  known: plain<number>('e.seeds_known'),
  unknown: plain<number>('e.seeds_unknown'),
  duplicate: plain<number>('e.seeds_duplicate'),
  unknownExamples: plain<string[]>('e.unknown_examples'),
  positives: plain<number>('e.positives'),
  dismissed: plain<number>('e.dismissed'),
  excluded: plain<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: plain<Record<string, number>>('e.timings'),
  computedWith: plain<ComputedWith | null>('e.computed_with'),
  quality: plain<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('(SELECT min(version) FROM audiences a WHERE a.expansion = e.number)'),
  createdAt: plain<number>('e.created_at'),
  startedAt: plain<number | null>('e.started_at'),
  updatedAt: plain<number>('e.updated_at'),
};

const SELECT_EXPANSION = `
  SELECT ${selectList(COLUMNS)}
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

const SETS = {
  seeds: plain<string>('seed_set'),
  positives: plain<string | null>('positive_set'),
  dismissed: plain<string | null>('dismissed_set'),
  suppression: plain<string | null>('suppression_set'),
  commonSuppression: plain<string | null>('common_suppression_set'),
} satisfies Record<keyof ExpansionSets, Column<unknown>>;

/** Columns of an expansion that has not ended, and of its job. */
const RUNNING = {
  number: plain<number>('e.number'),
  job: plain<number>('j.number'),
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

const SELECT_RUNNING = `SELECT ${selectList(RUNNING)} FROM jobs j JOIN expansions e ON e.number = j.expansion`;

/** A running expansion with the numbers of its rows. */
export type RunningRow = RunningExpansion & { readonly number: number; readonly job: number };

/** Inserts an expansion as the latest of the campaign, and returns its number. */
export async function insertExpansion(t: Sql, written: Written & { readonly campaign: number }): Promise<number> {
  await t.run('UPDATE expansions SET latest = false WHERE campaign = @campaign AND latest', {
    campaign: written.campaign,
  });
  return insertRow(t, 'expansions', { ...written, latest: true });
}

/** Expansions that have not ended; `which` follows FROM, and must name the job `j` and the expansion `e`. */
export async function runningExpansions(sql: Sql, which: string, bound: Bound = {}): Promise<RunningRow[]> {
  const rows = await sql.all(`${SELECT_RUNNING} ${which}`, bound);
  return rows.map((stored) => {
    const { modelVersion, populationVersion, ...row } = readRow(RUNNING, stored);
    return { ...row, pins: pinsOf(modelVersion, populationVersion) };
  });
}

/**
 * Writes a decision about an expansion, inside the caller's transaction. The event at the end of the expansion belongs
 * to the given trace, by default to the trace of the job.
 */
export async function applyEffects(
  t: Transaction,
  events: EventLog,
  { number, job, token }: RunningRow,
  effects: ExpansionEffects,
  now: number,
  trace: string | null = null,
): Promise<void> {
  await updateRow(t, 'expansions', number, columnsOf(effects.expansion));
  if (effects.isTold) await events.expansionEnded(t, number, now, trace);
  if (effects.job === 'removed') {
    await t.run('DELETE FROM jobs WHERE number = @job', { job });
    await recordEnd(t, number, token, now);
  } else await writeJob(t, job, effects.job);
}

/** Writes only the fields of a job that changed. */
async function writeJob(t: Sql, job: number, change: JobChange): Promise<void> {
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

/** Within a transaction, `remaining` is read before it begins. @throws AppError expansion_not_found */
export async function getExpansion(
  sql: Sql,
  campaignId: string,
  id: string,
  remaining?: RemainingTime,
): Promise<Expansion> {
  const stored = await sql.get(`${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.id = @id`, { campaignId, id });
  if (stored === undefined) throw expansionNotFound(campaignId, id);
  const row = readRow(COLUMNS, stored);
  return toExpansion(row, remaining ?? (await remainingTimes(sql, [row])));
}

/** Lists expansions, newest first. @throws AppError invalid_cursor */
export async function listExpansions(sql: Sql, campaignId: string, query: PageQuery): Promise<Page<Expansion>> {
  const stored = await sql.all(
    `${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.number < @before ORDER BY e.number DESC LIMIT @most`,
    { campaignId, ...boundsOf('expansions', query) },
  );
  const rows = stored.map((row) => readRow(COLUMNS, row));
  const remaining = await remainingTimes(sql, rows);
  return pageOf('expansions', rows, query.limit, (row) => toExpansion(row, remaining));
}

/** The sets of an expansion; undefined if there is no such expansion. `which` follows WHERE. */
async function findSets(sql: Sql, which: string, bound: Bound): Promise<ExpansionSets | undefined> {
  const row = await sql.get(`SELECT ${selectList(SETS)} FROM expansions WHERE ${which}`, bound);
  return row && readRow(SETS, row);
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

function toExpansion(row: RowOf<typeof COLUMNS>, remaining: RemainingTime): Expansion {
  const { received, known, unknown, duplicate, unknownExamples } = row;
  return {
    id: row.id,
    campaignId: row.campaignId,
    cause: row.cause,
    state: row.state,
    progress: row.progress,
    reason: row.reason,
    features: row.features,
    filters: row.filters,
    seeds: { received, known, unknown, duplicate, unknownExamples },
    feedback: { positives: row.positives, dismissed: row.dismissed },
    excluded: row.excluded,
    modelVersion: row.modelVersion,
    populationVersion: row.populationVersion,
    timings: row.timings,
    computedWith: row.computedWith,
    quality: row.quality,
    audienceVersion: row.audienceVersion,
    remainingMs: remaining(row.number),
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    updatedAt: row.updatedAt,
  };
}

function columnsOf(change: ExpansionChange): Written {
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
  };
}

function pinsOf(modelVersion: string | null, populationVersion: string | null): Pins | null {
  return modelVersion === null || populationVersion === null ? null : { modelVersion, populationVersion };
}
