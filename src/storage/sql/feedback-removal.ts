/**
 * Finds and removes the feedback and conversions of deleted campaigns. Works in slices, so that others can write in
 * between.
 */
import { setImmediate } from 'node:timers/promises';
import type { Database, Sql } from './sql.ts';

/** Maximum number of rows that one statement removes. */
export const REMOVED_ROWS = 2_048;

/**
 * Tables with rows by campaign and user that may outlive their campaign, and the columns that identify a row within a
 * campaign.
 */
const TABLES = { feedback: 'user_id', conversions: 'user_id, happened_at' } as const;

type Table = keyof typeof TABLES;

/** Selects the campaigns that have rows, followed by NULL. Takes one look-up per campaign instead of one per row. */
function heldCampaigns(table: Table): string {
  return `
  WITH RECURSIVE held (campaign) AS (
    SELECT min(campaign) FROM ${table}
    UNION ALL
    SELECT (SELECT min(f.campaign) FROM ${table} f WHERE f.campaign > held.campaign)
    FROM held WHERE held.campaign IS NOT NULL)`;
}

/** Campaigns with rows of certain users. In SQLite, an index on users would be as large as the table. */
export function campaignsOfUsers(
  sql: Sql,
  table: Table,
  userIds: readonly string[],
): Promise<{ readonly campaign: number }[]> {
  const { name, isAnyOf } = sql.dialect;
  const isAnyUser = isAnyOf('userIds', 'text');
  const select = {
    sqlite: `${heldCampaigns(table)} SELECT campaign FROM held
      WHERE EXISTS (SELECT 1 FROM ${table} f WHERE f.campaign = held.campaign AND f.user_id ${isAnyUser})`,
    postgres: `SELECT DISTINCT campaign FROM ${table} WHERE user_id ${isAnyUser} ORDER BY campaign`,
  };
  return sql.all(select[name], { userIds });
}

/** Removes the feedback and conversions of a deleted campaign. @throws AppError unavailable, storage_failed */
export async function removeFeedbackOf(database: Database, campaign: number): Promise<void> {
  for (const table of Object.keys(TABLES) as Table[]) await removeRowsOf(database, table, campaign);
}

/** Removes the feedback and conversions of all deleted campaigns. @throws AppError unavailable, storage_failed */
export async function removeUnusedFeedback(database: Database): Promise<void> {
  for (const table of Object.keys(TABLES) as Table[]) {
    for (;;) {
      const found = await database.get<{ readonly campaign: number }>(
        `${heldCampaigns(table)} SELECT campaign FROM held
         WHERE campaign IS NOT NULL AND NOT EXISTS (SELECT 1 FROM campaigns WHERE number = held.campaign) LIMIT 1`,
      );
      if (found === undefined) break;
      await removeRowsOf(database, table, found.campaign);
    }
  }
}

async function removeRowsOf(database: Database, table: Table, campaign: number): Promise<void> {
  const key = TABLES[table];
  const removeSlice = () =>
    database.run(
      `DELETE FROM ${table} WHERE campaign = @campaign AND (${key}) IN (
         SELECT ${key} FROM ${table} WHERE campaign = @campaign ORDER BY ${key} LIMIT ${REMOVED_ROWS})`,
      { campaign },
    );
  while ((await database.freeing(removeSlice)) === REMOVED_ROWS) await setImmediate();
}
