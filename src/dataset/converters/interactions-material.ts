/**
 * The options for converting a log to a data set, all results that are computed before any file is written, and
 * sentences about what was chosen and what was left out.
 */
import type { RowSource } from '../row-source.ts';
import { type CampaignChoice, type chooseCampaigns, SAME_OVERLAP } from './choose-campaigns.ts';
import { type Histories, LEAST_TAKERS } from './histories.ts';
import type { Log, LogColumns } from './log.ts';
import type { LogFeatureColumns } from './log-features.ts';
import type { OnProgress } from './new-data-set.ts';
import type { ItemTable, UserTable } from './tables.ts';
import type { ColumnTypes } from './typed-columns.ts';

export interface InteractionsOptions extends CampaignChoice {
  /** The folder of the new data set, which must not exist. */
  readonly out: string;
  readonly log: RowSource;
  readonly columns: LogColumns;
  /** Tables whose columns become features. The id column must have the same name as in the log. */
  readonly users: RowSource | null;
  readonly items: RowSource | null;
  /** Conditions that rows of the log must meet, such as `Quantity > 0`. */
  readonly where: readonly string[];
  /** Items whose rows are left out. The log must contain each of these items. */
  readonly excludeItems: readonly string[];
  /** Further items whose rows are left out. The log need not contain these items. */
  readonly excludeListed: readonly string[];
  /** Columns of the log that become features of users. */
  readonly userFeatures: readonly string[];
  readonly itemFeatures: readonly string[];
  readonly types: ColumnTypes;
  /** Columns of the tables that do not become features. */
  readonly leaveOut: readonly string[];
  /** The separator between tokens in a field. */
  readonly separator: string;
  /** Maximum number of items in a user's history. */
  readonly history: number;
  /** Whether histories and train campaigns contain only rows from before the start of the first test campaign. */
  readonly beforeTest: boolean;
  readonly seed: string;
  readonly onProgress: OnProgress;
}

export interface Material {
  readonly log: Log;
  readonly chosen: ReturnType<typeof chooseCampaigns>;
  readonly histories: Histories;
  readonly userTable: UserTable | null;
  readonly itemTable: ItemTable | null;
  /** Features from columns of the log. */
  readonly ofUsers: LogFeatureColumns;
  readonly ofItems: LogFeatureColumns;
  /** By user number: 1 if the user is in the data set, else 0. */
  readonly isPresent: Uint8Array;
  /** The start of the first test campaign if later rows are left out; null if all rows are used. */
  readonly before: number | null;
}

/** Describes what was chosen and what was left out. */
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
