/**
 * The database of a data folder, as the port that repositories use. Write transactions run one after another on one
 * connection. Everything else reads on a second connection, which sees only committed data.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout } from 'node:timers/promises';
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { AppError, assert } from '../../../lib/errors.ts';
import { SQLITE } from '../../sql/dialect.ts';
import type {
  BeforeCommit,
  Bound,
  Database,
  Listener,
  RowReference,
  Sql,
  Transaction,
  WriteLevel,
} from '../../sql/sql.ts';
import { Announcements } from './announcements.ts';
import { ConnectionSql, readState } from './connection-sql.ts';
import { BUSY_TIMEOUT_MS, isBusy, openReader, truncateLog, writeError } from './database.ts';
import type { DatabaseFiles } from './database-files.ts';
import { type Connection, versionOf } from './driver.ts';
import type { Reserve } from './reserve.ts';

/** Maximum time that an impatient transaction waits for other connections. */
const IMPATIENT_MS = 100;
const BUSY_PAUSE_MS = 5;

/** What a database uses in addition to its writing connection. */
export interface DatabaseDependencies {
  /** Checked before and after each transaction. */
  readonly files: Pick<DatabaseFiles, 'refuseIfLost' | 'keepCommitted'>;
  /** Released if a deletion finds the disk full. */
  readonly reserve: Pick<Reserve, 'using'>;
  readonly onDamagedRow?: (row: DamagedRow) => void;
}

export class SqliteDatabase implements Database {
  readonly dialect = SQLITE;
  readonly announcements: Announcements;
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #writing: ConnectionSql;
  readonly #reading: ConnectionSql;
  readonly #dependencies: DatabaseDependencies;
  readonly #hooks: BeforeCommit[] = [];
  /** Whether the running code is the work of a transaction. If so, it must use that transaction's methods. */
  readonly #isOpen = new AsyncLocalStorage<true>();
  /** Settles when the last requested transaction has ended. */
  #last: Promise<unknown> = Promise.resolve();

  /** `writer` is open for writing; the database closes it. */
  constructor(writer: Connection, dependencies: DatabaseDependencies) {
    const { onDamagedRow = () => {} } = dependencies;
    this.#writer = writer;
    // SQLite would block this thread, but the work it waits for may need the thread
    writer.pragma('busy_timeout = 0');
    this.#reader = openReader(writer.name);
    this.#writing = new ConnectionSql(writer, onDamagedRow);
    this.#reading = new ConnectionSql(this.#reader, onDamagedRow);
    this.announcements = new Announcements(this.#reader);
    this.#dependencies = dependencies;
  }

  /** The writing connection. Use it only for SQLite's own structures. */
  get connection(): Connection {
    return this.#writer;
  }

  all<T extends object>(text: string, values?: Bound): Promise<T[]> {
    return this.#statement(text, (sql) => sql.all<T>(text, values));
  }

  get<T extends object>(text: string, values?: Bound): Promise<T | undefined> {
    return this.#statement(text, (sql) => sql.get<T>(text, values));
  }

  run(text: string, values?: Bound): Promise<number> {
    return this.#statement(text, (sql) => sql.run(text, values));
  }

  async findDamaged(references: readonly RowReference[]): Promise<DamagedRow | null> {
    return this.#reading.findDamaged(references);
  }

  write<T>(work: (transaction: Transaction) => Promise<T>, level: WriteLevel = 'serializable'): Promise<T> {
    assert(this.#isOpen.getStore() !== true, 'transactions are not nested');
    return this.#write(work, this.#hooks, level);
  }

  /** Reads on a separate connection, so that other callers' statements do not read an old state. */
  read<T>(work: (state: Sql) => Promise<T>): Promise<T> {
    return readState(this.#writer.name, work, this.#dependencies.onDamagedRow);
  }

  /** Runs `work` outside of a transaction, after all transactions requested earlier. @throws the errors of `work` */
  alone<T>(work: (writer: Connection) => T): Promise<T> {
    return this.#inTurn(async () => {
      this.#writer.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
      try {
        return work(this.#writer);
      } finally {
        this.#writer.pragma('busy_timeout = 0');
      }
    });
  }

  freeing<T>(action: () => Promise<T>): Promise<T> {
    return this.#dependencies.reserve.using(action);
  }

  async schemaVersion(): Promise<number> {
    return versionOf(this.#reader);
  }

  requireWritable(): void {
    this.#dependencies.files.refuseIfLost();
  }

  beforeCommit(hook: BeforeCommit): void {
    this.#hooks.push(hook);
  }

  listen(topic: string, listener: Listener): void {
    this.announcements.listen(topic, listener);
  }

  /**
   * Removes deleted content from the log, unless another connection keeps reading it.
   * @throws AppError storage_failed
   */
  async truncateLog(): Promise<void> {
    await this.#untilFree(BUSY_TIMEOUT_MS, () => this.#inTurn(async () => truncateLog(this.#writer)));
  }

  /** Waits for all transactions requested earlier, then closes the connections. */
  async close(): Promise<void> {
    await this.#last;
    this.#reader.close();
    this.#writer.close();
  }

  async #statement<T>(text: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    assert(this.#isOpen.getStore() !== true, 'within a transaction, statements run by the transaction');
    this.#refuseClosed();
    return isQuery(text) ? work(this.#reading) : this.#write(work, [], 'serializable');
  }

  #refuseClosed(): void {
    if (!this.#writer.open) throw new AppError('unavailable', 'the service is closing');
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const ended = Promise.withResolvers<void>();
    this.#last = ended.promise;
    await before;
    try {
      this.#refuseClosed();
      return await action();
    } finally {
      ended.resolve();
    }
  }

  /** Runs a transaction after all transactions requested earlier. */
  #write<T>(
    work: (transaction: Transaction) => Promise<T>,
    hooks: readonly BeforeCommit[],
    level: WriteLevel,
  ): Promise<T> {
    return this.#inTurn(() => this.#transact(work, hooks, level));
  }

  async #transact<T>(
    work: (transaction: Transaction) => Promise<T>,
    hooks: readonly BeforeCommit[],
    level: WriteLevel,
  ): Promise<T> {
    const { files } = this.#dependencies;
    const transaction = new OpenTransaction(this.#writing);
    try {
      files.refuseIfLost();
      await this.#begin(level);
      const { result, committed, numbers } = await this.#isOpen.run(true, async () => {
        const result = await work(transaction);
        const committed: (() => void)[] = [];
        for (const hook of hooks) committed.push((await hook(transaction)) ?? (() => {}));
        return { result, committed, numbers: await this.announcements.record(transaction, transaction.announced) };
      });
      this.#writer.exec('COMMIT');
      files.keepCommitted();
      for (const after of committed) after();
      this.announcements.deliver(transaction.announced, numbers);
      return result;
    } catch (error) {
      if (this.#writer.inTransaction) this.#writer.exec('ROLLBACK');
      throw writeError(this.#writer.name, error);
    }
  }

  async #begin(level: WriteLevel): Promise<void> {
    let busy: unknown;
    const begin = async () => {
      try {
        this.#writer.exec('BEGIN IMMEDIATE');
        return true;
      } catch (error) {
        if (!isBusy(error)) throw error;
        busy = error;
        return false;
      }
    };
    if (!(await this.#untilFree(level === 'impatient' ? IMPATIENT_MS : BUSY_TIMEOUT_MS, begin))) throw busy;
  }

  /**
   * Repeats an action until it succeeds. Other work can run in between, because it may be the reason why the database
   * is busy.
   */
  async #untilFree(mostMs: number, action: () => Promise<boolean>): Promise<boolean> {
    for (const giveUpAt = performance.now() + mostMs; performance.now() < giveUpAt; await setTimeout(BUSY_PAUSE_MS))
      if (await action()) return true;
    return false;
  }
}

function isQuery(text: string): boolean {
  return /^\s*(SELECT|WITH)\b/.test(text);
}

class OpenTransaction implements Transaction {
  readonly dialect = SQLITE;
  readonly announced: (readonly [topic: string, key: string | null])[] = [];
  readonly #sql: ConnectionSql;

  constructor(sql: ConnectionSql) {
    this.#sql = sql;
  }

  all<T extends object>(text: string, values?: Bound): Promise<T[]> {
    return this.#sql.all(text, values);
  }

  get<T extends object>(text: string, values?: Bound): Promise<T | undefined> {
    return this.#sql.get(text, values);
  }

  run(text: string, values?: Bound): Promise<number> {
    return this.#sql.run(text, values);
  }

  findDamaged(references: readonly RowReference[]): Promise<DamagedRow | null> {
    return this.#sql.findDamaged(references);
  }

  announce(topic: string, key?: string): void {
    this.announced.push([topic, key ?? null]);
  }

  /** No other transaction runs. */
  async enterAlone(): Promise<void> {}
}
