/** Rows of expansions and their jobs. All functions that write run in the caller's transaction. */
import type { ExpansionEffects, JobChange } from '../../domain/expansions.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import type { Expansion, ExpansionSets } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { boundsOf, insertRow, pageOf, readRow, refuseDamaged, selectList, updateRow, type Written } from './columns.ts';
import type { EventLog } from './events.ts';
import {
  EXPANSION_COLUMNS,
  expansionWrites,
  RUNNING,
  type RunningRow,
  SETS,
  toExpansion,
  toRunning,
} from './expansion-columns.ts';
import { type RemainingTime, remainingTimes } from './remaining-time.ts';
import type { Bound, RowReference, Sql, Transaction } from './sql.ts';
import { recordEnd } from './unused-blobs.ts';

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
