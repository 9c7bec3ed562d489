/** The options for converting a log to a data set, and all results that are computed before any file is written. */
import type { RowSource } from '../row-source.ts';
import type { CampaignChoice, chooseCampaigns } from './choose-campaigns.ts';
import type { Histories } from './histories.ts';
import type { Log, LogColumns } from './log.ts';
import type { LogFeatureColumns } from './log-features.ts';
import type { OnProgress } from './made.ts';
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
