/** Removes the feedback of deleted campaigns, in slices, so that others can write in between. */
import { setImmediate } from 'node:timers/promises';
import type { Database } from './sql.ts';

/** Maximum number of rows that one statement removes. */
const REMOVED_ROWS = 2_048;

/** Selects the campaigns that have rows, and then NULL, with one look-up per campaign instead of one per row. */
export const HELD_CAMPAIGNS = `
  WITH RECURSIVE held (campaign) AS (
    SELECT min(campaign) FROM feedback
    UNION ALL
    SELECT (SELECT min(f.campaign) FROM feedback f WHERE f.campaign > held.campaign)
    FROM held WHERE held.campaign IS NOT NULL)`;

/** Removes the feedback of a deleted campaign. @throws AppError unavailable, storage_failed */
export async function removeFeedbackOf(database: Database, campaign: number): Promise<void> {
  const removeSlice = () =>
    database.run(
      `DELETE FROM feedback WHERE campaign = @campaign AND user_id IN (
         SELECT user_id FROM feedback WHERE campaign = @campaign ORDER BY user_id LIMIT ${REMOVED_ROWS})`,
      { campaign },
    );
  while ((await database.freeing(removeSlice)) === REMOVED_ROWS) await setImmediate();
}

/** Removes the feedback of all deleted campaigns. @throws AppError unavailable, storage_failed */
export async function removeUnusedFeedback(database: Database): Promise<void> {
  for (;;) {
    const found = await database.get<{ readonly campaign: number }>(
      `${HELD_CAMPAIGNS} SELECT campaign FROM held
       WHERE campaign IS NOT NULL AND NOT EXISTS (SELECT 1 FROM campaigns WHERE number = held.campaign) LIMIT 1`,
    );
    if (found === undefined) return;
    await removeFeedbackOf(database, found.campaign);
  }
}
