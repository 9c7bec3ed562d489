/**
 * The tables of a store, in an order in which each row comes after the rows that it refers to. Both dialects of the
 * schema have the same columns, so rows are copied by this list alone. A test compares the list with both schemas.
 */

export interface Table {
  readonly name: string;
  /** The columns by which rows are read in slices. No two rows have the same values in them. */
  readonly key: readonly string[];
  /** Whether the table has exactly one row in every store. Copying replaces the values of that row. */
  readonly isSingle?: boolean;
  /** Columns that are not copied, because their values name the store itself. */
  readonly ownColumns?: readonly string[];
}

const numbered = (name: string): Table => ({ name, key: ['number'] });

export const TABLES: readonly Table[] = [
  { name: 'user_sets', key: ['sha256'] },
  numbered('campaigns'),
  numbered('expansions'),
  numbered('jobs'),
  { name: 'audiences', key: ['campaign', 'version'] },
  numbered('changes'),
  { name: 'installation', key: ['id'], isSingle: true, ownColumns: ['database_id', 'generation'] },
  { name: 'idempotency_keys', key: ['key'] },
  numbered('webhooks'),
  { name: 'webhook_secrets', key: ['webhook', 'secret'] },
  numbered('webhook_events'),
  numbered('webhook_deliveries'),
  { name: 'feedback', key: ['campaign', 'user_id'] },
  { name: 'conversions', key: ['campaign', 'user_id', 'happened_at'] },
  { name: 'list_expiries', key: ['campaign', 'user_id'] },
  { name: 'erasure_requests', key: ['user_id'] },
  numbered('erasures'),
  numbered('api_keys'),
  numbered('audit_log'),
  { name: 'audit_retention', key: ['one'], isSingle: true },
  { name: 'clock', key: ['one'] },
  { name: 'clock_used', key: ['one'] },
  numbered('clock_steps'),
  { name: 'receipt_key', key: ['one'] },
];

/** Tables that are not copied, and why. */
export const NOT_COPIED: Readonly<Record<string, string>> = {
  probe: 'written to find out whether this database can be written to',
  schema_sum: 'the checksum of the schema of SQLite',
  sqlite_sequence: 'the highest numbers, which are copied as such',
  announcements: 'counts of what processes of SQLite have announced',
  schema_steps: 'the migrations of this database',
  leaders: 'which process leads',
  members: 'processes that run',
  request_counts: 'counts of the rate limit in the current window',
  served: 'the versions that a cluster serves, whose files are elsewhere',
  range_offers: 'parts of running expansions, which begin anew',
  ranges: 'parts of running expansions, which begin anew',
  unused_blobs: 'blobs that are to be removed, which are not copied',
};
