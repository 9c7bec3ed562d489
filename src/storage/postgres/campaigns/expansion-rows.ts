/** Rows of expansions and their jobs. Every function that writes runs inside the caller's transaction. */
import type { ExpansionEffects, JobChange } from '../../../domain/expansions.ts';
import { expansionNotFound } from '../../../domain/not-found.ts';
import type { Expansion, ExpansionSets, Page, PageQuery } from '../../../domain/types.ts';
import { AppError } from '../../../lib/errors.ts';
import { boundsOf, readRow, selectList } from '../../rows/columns.ts';
import {
  expansionColumns,
  expansionWrites,
  RUNNING,
  type RunningRow,
  SETS,
  toExpansion,
  toRunning,
} from '../../rows/expansions.ts';
import { insertRow, POSTGRES, pageOf, updateRow, type Written } from '../database/columns.ts';
import type { Sql, Transaction } from '../database/database.ts';
import type { Bound } from '../database/statement.ts';
import type { Tickets } from '../queue/tickets.ts';
import { recordEnd } from '../upkeep/unused-blobs.ts';
import type { EventLog } from './events.ts';
import { type RemainingTime, remainingTimes } from './remaining-time.ts';

const COLUMNS = expansionColumns(POSTGRES);

const SELECT_EXPANSION = `
  SELECT ${selectList(COLUMNS)}
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

const SELECT_RUNNING = `SELECT ${selectList(RUNNING)} FROM jobs j JOIN expansions e ON e.number = j.expansion`;

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
  return rows.map(toRunning);
}

/** What changes with an expansion. */
export interface Followers {
  readonly events: EventLog;
  readonly tickets: Tickets;
}

/**
 * Writes a decision about an expansion, inside the caller's transaction. The event at the end of the expansion belongs
 * to the given trace, by default to the trace of the job.
 */
export async function applyEffects(
  t: Transaction,
  { events, tickets }: Followers,
  { number, job, jobId, token }: RunningRow,
  effects: ExpansionEffects,
  now: number,
  trace: string | null = null,
): Promise<void> {
  await updateRow(t, 'expansions', number, expansionWrites(POSTGRES, effects.expansion));
  if (effects.isTold) await events.expansionEnded(t, number, now, trace);
  if (effects.job === 'removed') {
    await t.run('DELETE FROM jobs WHERE number = @job', { job });
    await tickets.remove(t, [jobId]);
    await recordEnd(t, number, token, now);
    return;
  }
  const { leaseUntil, runAfter = now } = effects.job;
  await writeJob(t, job, effects.job);
  if (leaseUntil === null) await tickets.putBack(t, jobId, runAfter > now ? runAfter : null);
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
  remaining ??= await remainingTimes(sql, [row]);
  return toExpansion(row, remaining(row.number));
}

/** Lists expansions, newest first. @throws AppError invalid_cursor */
export async function listExpansions(sql: Sql, campaignId: string, query: PageQuery): Promise<Page<Expansion>> {
  const stored = await sql.all(
    `${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.number < @before ORDER BY e.number DESC LIMIT @most`,
    { campaignId, ...boundsOf('expansions', query) },
  );
  const rows = stored.map((row) => readRow(COLUMNS, row));
  const remaining = await remainingTimes(sql, rows);
  return pageOf('expansions', rows, query.limit, (row) => toExpansion(row, remaining(row.number)));
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
