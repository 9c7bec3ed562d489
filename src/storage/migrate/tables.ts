/**
 * The tables of a store, in an order in which each row comes after the rows that it refers to. Both dialects of the
 * schema have the same columns, so rows are copied by this list alone. A test compares the list with both schemas.
 */

/** A value as both dialects store it: flags are 0 and 1, and JSON is text. */
export type Value = string | number | null;

/** The values of a row, in the order of the table's columns. */
export type Row = readonly Value[];

export interface Table {
  readonly name: string;
  /** The columns by which rows are read in slices. No two rows have the same values in them. */
  readonly key: readonly string[];
  /**
   * How an interrupted copy of the table goes on: after the highest number that arrived; with that number, because some
   * of its rows may be missing; or from the beginning.
   */
  readonly resume: 'after' | 'with' | 'anew';
  /** Whether the table has one row in every store, whose values are replaced. */
  readonly isSingle?: boolean;
  /** Whether existing rows are removed first: those of an interrupted copy, if rows have no unique key, or others. */
  readonly isCleared?: boolean;
  /** Columns that are not copied, because their values name the store itself. */
  readonly ownColumns?: readonly string[];
  /** Values that are changed on the way. */
  readonly changed?: Readonly<Record<string, (value: Value) => Value>>;
}

const numbered = (name: string, rest: Partial<Table> = {}): Table => ({
  ...{ name, key: ['number'], resume: 'after', ...rest },
});
const keyed = (name: string, key: readonly string[], rest: Partial<Table> = {}): Table => ({
  ...{ name, key, resume: 'anew', ...rest },
});
const single = (name: string, key: string, rest: Partial<Table> = {}): Table => ({
  ...{ name, key: [key], resume: 'anew', isSingle: true, ...rest },
});

/** Ends a lease: the job is free at once in the new store, and the attempt counts as that of a lost engine. */
const ended = (until: Value): Value => (until === null ? null : 0);

export const TABLES: readonly Table[] = [
  keyed('user_sets', ['sha256']),
  numbered('campaigns'),
  numbered('expansions'),
  numbered('jobs', { changed: { lease_until: ended } }),
  keyed('audiences', ['campaign', 'version'], { resume: 'with' }),
  numbered('changes'),
  single('installation', 'id', { ownColumns: ['database_id', 'generation'] }),
  keyed('idempotency_keys', ['key']),
  numbered('webhooks'),
  keyed('webhook_secrets', ['webhook', 'secret'], { isCleared: true }),
  numbered('webhook_events'),
  numbered('webhook_deliveries'),
  keyed('feedback', ['campaign', 'user_id'], { resume: 'with' }),
  keyed('erasure_requests', ['user_id']),
  numbered('erasures'),
  numbered('api_keys'),
  numbered('audit_log'),
  single('audit_retention', 'one'),
  keyed('clock', ['one'], { isCleared: true }),
  keyed('clock_used', ['one'], { isCleared: true }),
  numbered('clock_steps'),
];

/** Tables that are not copied, and why. */
export const NOT_COPIED: Readonly<Record<string, string>> = {
  probe: 'written to find out whether this database can be written to',
  schema_sum: 'the checksum of the schema of SQLite',
  sqlite_sequence: 'the highest numbers, which are copied as such',
  schema_steps: 'the migrations of this database',
  leaders: 'which process leads',
  members: 'processes that run',
  request_counts: 'counts of the rate limit in the current window',
  served: 'the versions that a cluster serves, whose files are elsewhere',
  range_offers: 'parts of running expansions, which begin anew',
  ranges: 'parts of running expansions, which begin anew',
  unused_blobs: 'blobs that are to be removed, which are not copied',
};

/** Tables whose rows get their numbers from a sequence. */
export const NUMBERED = TABLES.filter(({ key }) => key[0] === 'number').map(({ name }) => name);
