/** Sentences that tell the user what was chosen and what was left out when a log was converted to a data set. */
import { SAME_OVERLAP } from './choose-campaigns.ts';
import { type Histories, LEAST_TAKERS } from './histories.ts';
import type { InteractionsOptions, Material } from './interactions-material.ts';

export function interactionNotes(
  { minimumUsers, columns, history, where }: InteractionsOptions,
  { log, chosen, userTable, itemTable, ofUsers, ofItems, isPresent, before }: Material,
  histories: Histories,
): string[] {
  const notes = [`${log.rowCount} rows of ${log.items.count} items were read`];
  for (const [i, condition] of where.entries())
    notes.push(`${log.leftOut.conditions[i]} rows are left out because they do not meet ${JSON.stringify(condition)}`);
  if (log.leftOut.excluded > 0) notes.push(`${log.leftOut.excluded} rows of excluded items are left out`);
  const { count, first } = log.incomplete;
  if (count > 0) notes.push(`${count} rows lack a user or an item and are left out; the first is ${first}`);
  if (log.repeated > 0)
    notes.push(`${log.repeated} rows repeat an item that the user already has; only the earliest row counts`);
  const least = `${chosen.minimumUsers} users${minimumUsers === null ? ' (from the data; --minimum-users)' : ''}`;
  notes.push(`${chosen.campaigns.length} campaigns are drawn from ${chosen.eligible} items with at least ${least}`);
  const test = columns.time === null ? 'drawn at random (no --time)' : 'the newest campaigns';
  notes.push(
    `the test campaigns are ${test}; their seeds are ${columns.time === null ? 'also drawn at random' : 'their earliest users'}`,
  );
  if (chosen.nearDuplicates.length > 0) {
    const { item, of } = chosen.nearDuplicates[0]!;
    notes.push(
      `${chosen.nearDuplicates.length} items have nearly the same users as a campaign ` +
        `(overlap of ${SAME_OVERLAP} or more) and are left out, such as ${log.items.text(item)}, which resembles ${log.items.text(of)}`,
    );
  }
  notes.push(
    `${histories.users} users have a history, with ${histories.items} items in all and at most ${history} per user; ` +
      `${histories.rare} items with fewer than ${LEAST_TAKERS} users are in no history`,
  );
  const absent = isPresent.reduce((sum, x) => sum + (x ? 0 : 1), 0);
  if (before !== null)
    notes.push(
      `histories and train campaigns end at ${new Date(before).toISOString()}; ${absent} later users are left out`,
    );
  if (userTable) {
    const inLogAlone = isPresent.length - userTable.count - absent;
    if (userTable.fresh > 0) notes.push(`${userTable.fresh} users in the table of users are not in the log`);
    if (inLogAlone > 0) notes.push(`${inLogAlone} users in the log are not in the table of users`);
    notes.push(...userTable.leftOut);
  }
  if (itemTable && itemTable.missing > 0) notes.push(`${itemTable.missing} campaigns are not in the table of items`);
  if (itemTable) notes.push(...itemTable.leftOut);
  notes.push(...ofUsers.leftOut, ...ofItems.leftOut);
  return notes;
}
