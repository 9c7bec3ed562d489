/** Rows of expansions and their jobs. Every method that writes runs inside the caller's transaction. */

import type { ExpansionEffects, JobChange } from '../../domain/expansions.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Expansion, ExpansionSets, Page, PageQuery } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { boundsOf, readRow, selectList } from '../rows/columns.ts';
import {
  expansionColumns,
  expansionWrites,
  RUNNING,
  type RunningRow,
  SETS,
  toExpansion,
  toRunning,
} from '../rows/expansions.ts';
import { insertRow, pageOf, SQLITE, updateRow, type Written } from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import type { Bound, Database } from './database/driver.ts';
import type { EventLog } from './events.ts';
import { remainingTimes } from './remaining-time.ts';

const COLUMNS = expansionColumns(SQLITE);

const SELECT_EXPANSION = `
  SELECT ${selectList(COLUMNS)}
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

const SELECT_RUNNING = `SELECT ${selectList(RUNNING)} FROM jobs j JOIN expansions e ON e.number = j.expansion`;

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
    return rows.map(toRunning);
  }

  /**
   * Writes a decision about an expansion, inside the caller's transaction. The event at the end of the expansion
   * belongs to the given trace, by default to the trace of the job.
   */
  apply({ number, job }: RunningRow, effects: ExpansionEffects, now: number, trace: string | null = null): void {
    this.#write('expansions', number, expansionWrites(SQLITE, effects.expansion));
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
    return toExpansion(row, remaining(row));
  }
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['expansions', { number }]];
}
