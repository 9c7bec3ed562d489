/** Rows of changes: the active version of every campaign, in the order in which it changed. */

import { decodeCursor, encodeCursor } from '../../domain/cursors.ts';
import type { Change, Changes } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { Database } from './database.ts';
import { pageOf } from './pages.ts';
import { wholeRows } from './row-check.ts';

/** The changes after a cursor, oldest first; from the first one on without. @throws AppError invalid_cursor */
export function listChanges(database: Database, since: string | undefined, limit: number): Changes {
  const after = since === undefined ? 0 : decodeCursor('changes', since, 'since');
  const last = (database.prepare('SELECT max(number) FROM changes').pluck().get() ?? 0) as number;
  if (after > last) {
    const message =
      'the cursor is of changes that this service does not have (was an older copy of its data restored?): ' +
      'start again without it';
    throw new AppError('invalid_cursor', message, { details: [{ pointer: 'since', message, value: since }] });
  }
  const rows = database
    .prepare(
      `SELECT number, campaign_id AS campaignId, kind, version, previous_version AS previousVersion, size,
         changed_at AS changedAt
       FROM changes WHERE number > @after ORDER BY number LIMIT @most`,
    )
    .all({ after, most: limit + 1 }) as (Change & { readonly number: number })[];
  const { items, nextCursor } = pageOf(
    'changes',
    rows,
    limit,
    ({ number: _, ...change }) => change,
    (page) => wholeRows(database, page, ({ number }) => [['changes', { number }]]),
  );
  return {
    items,
    nextCursor: nextCursor ?? encodeCursor('changes', rows.at(-1)?.number ?? after),
    hasMore: nextCursor !== null,
  };
}
