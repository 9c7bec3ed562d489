/** The options for converting a log to a data set, and everything that is computed before anything is written. */
import type { RowSource } from '../row-source.ts';
import type { CampaignChoice, chooseCampaigns } from './choose-campaigns.ts';
import type { Histories } from './histories.ts';
import type { Log, LogColumns } from './log.ts';
import type { LogFeatureColumns } from './log-features.ts';
import type { OnProgress } from './made.ts';
import type { ItemTable, UserTable } from './tables.ts';
import type { ColumnTypes } from './typed-columns.ts';

export interface InteractionsOptions extends CampaignChoice {
  /** The data set's folder; it must not exist. */
  readonly out: string;
  readonly log: RowSource;
  readonly columns: LogColumns;
  /** Tables whose columns are features; their ids are in a column named as in the log. */
  readonly users: RowSource | null;
  readonly items: RowSource | null;
  /** Conditions that rows of the log must meet: `Quantity > 0`. */
  readonly where: readonly string[];
  /** Items whose rows are left out; the log must have each of them. */
  readonly excludeItems: readonly string[];
  /** The same, but the list may also contain items that the log lacks. */
  readonly excludeListed: readonly string[];
  /** Columns of the log that are features of users, and of campaigns. */
  readonly userFeatures: readonly string[];
  readonly itemFeatures: readonly string[];
  readonly types: ColumnTypes;
  /** Columns of the tables that are not features. */
  readonly leaveOut: readonly string[];
  /** Separates the tokens of a field. */
  readonly separator: string;
  /** Maximum number of items in a user's history. */
  readonly history: number;
  /** Whether histories and train campaigns end when the first test campaign begins. */
  readonly beforeTest: boolean;
  readonly seed: string;
  readonly onProgress: OnProgress;
}

/** Everything that is computed before anything is written. */
export interface Material {
  readonly log: Log;
  readonly chosen: ReturnType<typeof chooseCampaigns>;
  readonly histories: Histories;
  readonly userTable: UserTable | null;
  readonly itemTable: ItemTable | null;
  /** Features from columns of the log. */
  readonly ofUsers: LogFeatureColumns;
  readonly ofItems: LogFeatureColumns;
  /** By user number: 1 for users of the data set. */
  readonly isPresent: Uint8Array;
  /** When the first test campaign begins, if later rows are left out; null: all rows are used. */
  readonly before: number | null;
}
