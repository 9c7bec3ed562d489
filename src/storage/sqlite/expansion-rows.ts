/** Rows of expansions and their jobs. Every method that writes runs inside the caller's transaction. */

import type { ExpansionChange, ExpansionEffects, JobChange, RunningExpansion } from '../../domain/expansions.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { ComputedWith } from '../../domain/run-facts.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Cause, Excluded, Expansion, ExpansionSets, Page, PageQuery, Pins, Reason } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import {
  boundsOf,
  type Column,
  insertRow,
  json,
  pageOf,
  plain,
  readRow,
  selectList,
  toJson,
  updateRow,
  type Written,
} from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import type { Bound, Database } from './database/driver.ts';
import type { EventLog } from './events.ts';
import { remainingTimes } from './remaining-time.ts';

/** The columns of an expansion. A new column is added here, in `#toExpansion`, and where it is written. */
const COLUMNS = {
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
  duplicate: plain<number>('e.seeds_duplicate'),
  unknownExamples: json<string[]>('e.unknown_examples'),
  positives: plain<number>('e.positives'),
  dismissed: plain<number>('e.dismissed'),
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

export class ExpansionRows {
  readonly #database: Database;
  readonly #events: EventLog;

  constructor(database: Database, events: EventLog) {
    this.#database = database;
    this.#events = events;
  }

  /** Inserts an expansion as the latest of the campaign, and returns its number. */
  insert(written: Written & { readonly campaign: number }): number {
    this.#database
      .prepare('UPDATE expansions SET latest = 0 WHERE campaign = @campaign AND latest = 1')
      .run({ campaign: written.campaign });
    return insertRow(this.#database, 'expansions', { ...written, latest: 1 });
  }

  /** Expansions that have not ended; `which` follows FROM, and must name the job `j` and the expansion `e`. */
  running(which: string, bound: Bound = {}): RunningRow[] {
    const rows = this.#database.prepare(`${SELECT_RUNNING} ${which}`).all(bound);
    return rows.map((stored) => {
      const { modelVersion, populationVersion, ...row } = readRow(RUNNING, stored);
      return { ...row, pins: pinsOf(modelVersion, populationVersion) };
    });
  }

  /**
   * Writes a decision about an expansion, inside the caller's transaction. The event at the end of the expansion
   * belongs to the given trace, by default to the trace of the job.
   */
  apply({ number, job }: RunningRow, effects: ExpansionEffects, now: number, trace: string | null = null): void {
    this.#write('expansions', number, columnsOf(effects.expansion));
    if (effects.isTold) this.#events.expansionEnded(number, now, trace);
    if (effects.job === 'removed') this.#database.prepare('DELETE FROM jobs WHERE number = @job').run({ job });
    else this.writeJob(job, effects.job);
  }

  /** Writes only the fields of a job that changed. */
  writeJob(job: number, { owner, leaseUntil, runAfter, attempt, deaths, token }: JobChange): void {
    this.#write('jobs', job, { owner, lease_until: leaseUntil, run_after: runAfter, attempt, deaths, token });
  }

  /** The number of an expansion; undefined if the campaign has no such expansion. */
  numberOf(campaignId: string, id: string): number | undefined {
    return this.#database
      .prepare(
        `SELECT e.number FROM expansions e JOIN campaigns c ON c.number = e.campaign
         WHERE c.id = @campaignId AND e.id = @id`,
      )
      .pluck()
      .get({ campaignId, id }) as number | undefined;
  }

  /** @throws AppError expansion_not_found */
  get(campaignId: string, id: string): Expansion {
    const row = this.#database
      .prepare(`${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.id = @id`)
      .get({ campaignId, id });
    if (row === undefined) throw expansionNotFound(campaignId, id);
    refuseDamaged(this.#database, referencesOf(row as { readonly number: number }));
    return this.#toExpansion(row, remainingTimes(this.#database));
  }

  /** Lists expansions, newest first. @throws AppError invalid_cursor */
  list(campaignId: string, query: PageQuery): Page<Expansion> {
    const rows = this.#database
      .prepare(`${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.number < @before ORDER BY e.number DESC LIMIT @most`)
      .all({ campaignId, ...boundsOf('expansions', query) }) as { readonly number: number }[];
    const remaining = remainingTimes(this.#database);
    return pageOf(this.#database, 'expansions', rows, query.limit, referencesOf, (row) =>
      this.#toExpansion(row, remaining),
    );
  }

  stateOf(expansion: number): ExpansionState {
    return this.#database
      .prepare('SELECT state FROM expansions WHERE number = @expansion')
      .pluck()
      .get({ expansion }) as ExpansionState;
  }

  setsOf(expansion: number): ExpansionSets {
    const sql = `SELECT ${selectList(SETS)} FROM expansions WHERE number = @expansion`;
    return readRow(SETS, this.#database.prepare(sql).get({ expansion }));
  }

  /** Like `setsOf`, but for the expansion with this id. @throws AppError expansion_not_found */
  setsOfId(id: string): ExpansionSets {
    const number = this.#database.prepare('SELECT number FROM expansions WHERE id = @id').pluck().get({ id });
    if (number === undefined) throw new AppError('expansion_not_found', `there is no expansion ${id}`);
    return this.setsOf(number as number);
  }

  #write(table: string, number: number, written: Written): void {
    if (Object.values(written).some((value) => value !== undefined)) updateRow(this.#database, table, number, written);
  }

  #toExpansion(stored: unknown, remaining: ReturnType<typeof remainingTimes>): Expansion {
    const row = readRow(COLUMNS, stored);
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
      remainingMs: remaining(row),
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      updatedAt: row.updatedAt,
    };
  }
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['expansions', { number }]];
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
