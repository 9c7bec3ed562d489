/**
 * The port through which repositories use a database. Statements are SQL text with parameters such as `@name`.
 * `dialect` contains the SQL that differs between SQLite and Postgres; everything else is written once.
 */
import type { DamagedRow } from '../../domain/ports/upkeep.ts';
import type { Dialect } from './dialect.ts';
import type { Json } from './json.ts';

/** Values bound by name. A list is passed as an array, which the dialect's `isAnyOf` and `rowsOf` read. */
export type Bound = Readonly<Record<string, Value | readonly (string | number)[]>>;
export type Value = string | number | boolean | Json | null;

/** Identifies a row by table and primary key; null if an outer join found no row. */
export type RowReference = readonly [table: string, key: Readonly<Record<string, string | number>>] | null;

/**
 * Runs statements. Methods reject with AppError storage_failed, unavailable or database_damaged; any other error is a
 * bug in the statement.
 */
export interface Sql {
  readonly dialect: Dialect;
  all<T extends object>(text: string, values?: Bound): Promise<T[]>;
  /** The first row. */
  get<T extends object>(text: string, values?: Bound): Promise<T | undefined>;
  /** Returns the number of affected rows. */
  run(text: string, values?: Bound): Promise<number>;
  /**
   * The first of these rows whose checksum differs; null if all are intact. Only SQLite needs checksums of rows,
   * because Postgres verifies its pages.
   */
  findDamaged(references: readonly RowReference[]): Promise<DamagedRow | null>;
}

/** An open write transaction. */
export interface Transaction extends Sql {
  /**
   * Announces after the commit that the data of a topic has changed: to this process before `write` returns, to others
   * within a second. `key` is the id of what changed; without a key, anything may have changed.
   */
  announce(topic: string, key?: string): void;
  /**
   * Waits until no other transaction is adding to a list, and prevents others from doing so until this transaction
   * ends. All numbers assigned earlier are committed and visible, and numbers assigned after this call are higher.
   */
  enterAlone(list: 'audit' | 'changes'): Promise<void>;
}

/**
 * How a write transaction runs concurrently with others. `serializable`: as if no other transaction ran at the same
 * time. `readCommitted`: each statement reads the newest state, and the work locks the rows that its decisions depend
 * on. `alone`: no other write transaction runs at the same time; for short and rare work on many rows. `impatient`:
 * like `readCommitted`, but SQLite waits only briefly while another process is writing. In SQLite, write transactions
 * always run one after another.
 */
export type WriteLevel = 'serializable' | 'readCommitted' | 'alone' | 'impatient';

/**
 * A hook that is called at the end of every write transaction, inside it. The function it returns is called once, after
 * the commit.
 */
export type BeforeCommit = (transaction: Transaction) => Promise<(() => void) | null>;

/** Called with the key of each announcement of a topic, or with null if announcements may have been missed. */
export type Listener = (key: string | null) => unknown;

/** An open database. Outside of `write`, statements see only committed data, and each commits by itself. */
export interface Database extends Sql {
  /**
   * Runs `work` in one transaction and commits it: either all of its effects are committed or none. `work` may run more
   * than once, so it must have no other effects than the statements of its transaction. Transactions cannot be nested.
   * @throws AppError unavailable (no connection, or conflicts at every attempt), storage_failed, database_damaged or
   * database_lost; the errors of `work`
   */
  write<T>(work: (transaction: Transaction) => Promise<T>, level?: WriteLevel): Promise<T>;

  /** Runs read-only work on one consistent state of the database. */
  read<T>(work: (state: Sql) => Promise<T>): Promise<T>;

  /**
   * Runs an action that frees space, such as a deletion. If the disk is full, reserved space is released and the action
   * runs once more.
   * @throws the errors of `action`
   */
  freeing<T>(action: () => Promise<T>): Promise<T>;

  /** The number of the last migration. */
  schemaVersion(): Promise<number>;

  /**
   * Refuses to prepare a transaction that could not commit, before files are written for it.
   * @throws AppError database_lost
   */
  requireWritable(): void;

  /** Adds a hook to all later write transactions. */
  beforeCommit(hook: BeforeCommit): void;

  listen(topic: string, listener: Listener): void;

  /** Whether this process has received the announcements of others. */
  readonly announcements: {
    /** Whether all announcements committed up to a moment ago have been received. */
    readonly isFresh: boolean;
    /** Milliseconds since this process last knew that it had received all announcements. */
    readonly staleMs: number;
  };
}
