/** The differences between the SQL of SQLite and of Postgres. */

type ListType = 'text' | 'bigint' | 'double precision';

export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /**
   * Follows a SELECT and locks the rows of these tables (by alias) until the transaction ends, so that a decision about
   * them stays valid. SQLite needs no such locks, because its write transactions run one after another.
   */
  readonly lock: (tables: string) => string;
  /** Like `lock`, but skips rows that another transaction has locked. */
  readonly lockFree: (tables: string) => string;
  /** Follows a value: tests whether the bound list contains it. */
  readonly isAnyOf: (list: string, type: ListType) => string;
  /** Follows FROM: a table with the bound list in the column `value`. */
  readonly rowsOf: (list: string, type: ListType) => string;
  /** Follows FROM: a table whose columns are the bound lists of the same names. All lists have the same length. */
  readonly tableOf: (lists: Readonly<Record<string, ListType>>) => string;
  /** The greater of two values, neither of which is NULL. */
  readonly greater: (one: string, other: string) => string;
  /** Whether a JSON object in a column contains all pairs of the bound JSON object. */
  readonly hasPairs: (column: string, bound: string) => string;
  /** Whether a JSON list in a column contains the bound text. */
  readonly hasItem: (column: string, bound: string) => string;
  /** Whether a text contains the bound text, ignoring the case of ASCII letters. */
  readonly containsText: (text: string, bound: string) => string;
  /** The latest time in the audit log, counting the bound time `at` of a new entry. */
  readonly reachedAt: string;
  /** Maximum number of uploaded rows per transaction. A commit of SQLite writes its pages while the thread waits. */
  readonly mostUploadedRows: number;
  /** Changes whenever the server may have lost commits that were already read, for example after a failover. */
  readonly serverStart: string;
}

export const SQLITE: Dialect = {
  name: 'sqlite',
  lock: () => '',
  lockFree: () => '',
  isAnyOf: (list) => `IN (SELECT value FROM json_each(@${list}))`,
  rowsOf: (list) => `json_each(@${list})`,
  tableOf: (lists) => {
    const [first, ...others] = Object.keys(lists);
    const columns = others.map((list) => `, json_extract(@${list}, '$[' || key || ']') AS "${list}"`);
    return `(SELECT value AS "${first}"${columns.join('')} FROM json_each(@${first})) AS list`;
  },
  greater: (one, other) => `max(${one}, ${other})`,
  // one damaged row must not make the whole list fail
  hasPairs: (column, bound) => `NOT EXISTS (
    SELECT 1 FROM json_each(@${bound}) needed WHERE NOT EXISTS (
      SELECT 1 FROM json_each(CASE WHEN json_valid(${column}) THEN ${column} ELSE '{}' END) own
      WHERE own.key = needed.key AND own.value = needed.value))`,
  hasItem: (column, bound) => `EXISTS (
    SELECT 1 FROM json_each(CASE WHEN json_valid(${column}) THEN ${column} ELSE '[]' END) WHERE value = @${bound})`,
  // in LIKE, % and _ would be wildcards
  containsText: (text, bound) => `instr(lower(${text}), lower(@${bound})) > 0`,
  reachedAt: `max(@at, coalesce((SELECT highest FROM clock), 0), coalesce((SELECT max(reached_at) FROM audit_log), 0))`,
  mostUploadedRows: 1_000,
  serverStart: "''",
};

export const POSTGRES: Dialect = {
  name: 'postgres',
  lock: (tables) => `FOR NO KEY UPDATE OF ${tables}`,
  lockFree: (tables) => `FOR NO KEY UPDATE OF ${tables} SKIP LOCKED`,
  isAnyOf: (list, type) => `= ANY(@${list}::${type}[])`,
  rowsOf: (list, type) => `unnest(@${list}::${type}[]) AS list (value)`,
  tableOf: (lists) => {
    const arrays = Object.entries(lists).map(([list, type]) => `@${list}::${type}[]`);
    return `unnest(${arrays.join(', ')}) AS list (${Object.keys(lists).map((list) => `"${list}"`)})`;
  },
  greater: (one, other) => `greatest(${one}, ${other})`,
  hasPairs: (column, bound) => `${column}::jsonb @> @${bound}::jsonb`,
  hasItem: (column, bound) => `${column}::jsonb @> to_jsonb(@${bound}::text)`,
  containsText: (text, bound) => `strpos(lower(${text} COLLATE "C"), lower(@${bound} COLLATE "C")) > 0`,
  // a serializable transaction does not see entries that others have just added, but it sees the value of a sequence
  reachedAt: `setval('audit_reached', greatest(@at::bigint, (SELECT last_value FROM audit_reached)))`,
  mostUploadedRows: Number.POSITIVE_INFINITY,
  serverStart: 'pg_postmaster_start_time()::text',
};
