/** The list of changes of active versions. */
import { changesAfter } from '../../domain/audiences.ts';
import type { Change, VersionPart } from '../../domain/changes.ts';
import { encodeCursor } from '../../domain/cursors.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import type { Changes } from '../../domain/pages.ts';
import { insertRow, json, pageOf, plain, readRow, selectList } from './columns.ts';
import { toJson } from './json.ts';
import type { Sql, Transaction } from './sql.ts';

const COLUMNS = {
  number: plain<number>('number'),
  campaignId: plain<string>('campaign_id'),
  cause: plain<Change['cause']>('cause'),
  changed: json<readonly VersionPart[] | null>('changed'),
  version: plain<number | null>('version'),
  previousVersion: plain<number | null>('previous_version'),
  size: plain<number | null>('size'),
  cuts: json<readonly AudienceCut[] | null>('cuts'),
  changedAt: plain<number>('changed_at'),
};

/** Appends a change. Changes become visible in the order of their numbers. */
export async function insertChange(t: Transaction, change: Change): Promise<void> {
  await t.enterAlone('changes');
  await insertRow(t, 'changes', {
    campaign_id: change.campaignId,
    cause: change.cause,
    changed: toJson(change.changed),
    version: change.version,
    previous_version: change.previousVersion,
    size: change.size,
    cuts: toJson(change.cuts),
    changed_at: change.changedAt,
  });
}

/** @throws AppError invalid_cursor */
export async function readChanges(sql: Sql, since: string | undefined, limit: number): Promise<Changes> {
  const newest = await sql.get<{ readonly last: number }>('SELECT coalesce(max(number), 0) AS last FROM changes');
  const after = changesAfter(since, newest!.last);
  const rows = await sql.all<{ readonly number: number }>(
    `SELECT ${selectList(COLUMNS)} FROM changes WHERE number > @after ORDER BY number LIMIT @most`,
    { after, most: limit + 1 },
  );
  const { items, nextCursor } = await pageOf(
    sql,
    'changes',
    rows,
    limit,
    ({ number }) => [['changes', { number }]],
    (stored) => {
      const { number: _, ...change } = readRow(COLUMNS, stored);
      return change;
    },
  );
  const last = rows.at(-1)?.number ?? after;
  return { items, nextCursor: nextCursor ?? encodeCursor('changes', last), hasMore: nextCursor !== null };
}
