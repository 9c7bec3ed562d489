/** An in-memory DuckDB with limits, open for the duration of an import. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance, type Json } from '@duckdb/node-api';
import { AppError, assert, messageOf } from '../../lib/errors.ts';
import { isRemote } from '../import/source-files.ts';
import { quoteName, quoteText } from '../kinds/column-plan.ts';

/** DuckDB's memory limit. Data above the limit is written to `scratch`. */
const DEFAULT_MEMORY_MIB = 1024;

export interface DatabaseOptions {
  /**
   * Folder for data that does not fit into memory; created if it does not exist. The caller must remove this folder.
   */
  readonly scratch: string;
  readonly memoryMib?: number;
}

/** Polling interval for the progress of a statement. */
const PROGRESS_EVERY_MS = 500;

export type Row = { readonly [column: string]: Json };

/** Opens a database for `action` and closes it afterwards. */
export async function withDatabase<T>(
  options: DatabaseOptions,
  action: (database: Database) => Promise<T>,
): Promise<T> {
  const { database, close } = await openDatabase(options);
  try {
    return await action(database);
  } finally {
    close();
  }
}

/** Opens a database, which the caller must close. */
export async function openDatabase({
  scratch,
  memoryMib = DEFAULT_MEMORY_MIB,
}: DatabaseOptions): Promise<{ readonly database: Database; close(): void }> {
  mkdirSync(scratch, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryMib}MiB`,
    threads: String(availableParallelism()),
    temp_directory: join(scratch, 'spilled'),
    // Prevents downloads unless they are requested (`remote.ts`).
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    const database = new Database(connection, memoryMib);
    await database.run("SET TimeZone = 'UTC'");
    await database.run('SET enable_progress_bar = true');
    await database.run('SET enable_progress_bar_print = false');
    return { database, close };
  } catch (error) {
    close();
    throw error;
  }
}

export class Database {
  readonly #connection: DuckDBConnection;
  readonly #memoryMib: number;

  constructor(connection: DuckDBConnection, memoryMib: number) {
    this.#connection = connection;
    this.#memoryMib = memoryMib;
  }

  /**
   * Runs a statement and reports its progress to `onPercent`. Errors: AppError `invalid_data` with DuckDB's message.
   */
  async run(sql: string, onPercent?: (percent: number) => void): Promise<void> {
    await this.rows(sql, onPercent);
  }

  /** Returns all rows of a small result. */
  async rows(sql: string, onPercent?: (percent: number) => void): Promise<Row[]> {
    const timer = onPercent
      ? setInterval(() => onPercent(Math.max(0, this.#connection.progress.percentage)), PROGRESS_EVERY_MS)
      : undefined;
    try {
      return (await this.#connection.runAndReadAll(sql)).getRowObjectsJson();
    } catch (error) {
      throw this.#refusal(error);
    } finally {
      clearInterval(timer);
    }
  }

  /** Yields the chunks of a result of any size. The next chunk is made while the caller reads a chunk. */
  async *stream(sql: string): AsyncGenerator<DuckDBDataChunk, void, void> {
    let next: Promise<DuckDBDataChunk | null> | null = null;
    try {
      const result = await this.#connection.stream(sql);
      for (next = result.fetchChunk(); ; ) {
        const chunk = await next;
        if (chunk === null || chunk.rowCount === 0) return;
        next = result.fetchChunk();
        next.catch(() => {}); // thrown when the chunk is awaited
        yield chunk;
      }
    } catch (error) {
      throw this.#refusal(error);
    } finally {
      // the caller may close the connection
      await next?.catch(() => {});
    }
  }

  /** Creates a temporary table of strings; an empty string becomes null. */
  async fillTexts(table: string, columns: readonly string[], rows: Iterable<readonly string[]>): Promise<void> {
    await this.run(`CREATE TEMP TABLE ${table} (${columns.map((name) => `${quoteName(name)} VARCHAR`).join(', ')})`);
    const appender = await this.#connection.createAppender(table);
    for (const row of rows) {
      for (const text of row) text === '' ? appender.appendNull() : appender.appendVarchar(text);
      appender.endRow();
    }
    appender.closeSync();
  }

  #refusal(error: unknown): unknown {
    if (error instanceof AppError || !(error instanceof Error)) return error;
    const message = messageOf(error).split('\n\n')[0]!.replaceAll('\n', ' ');
    const advice = message.startsWith('Out of Memory')
      ? ` (--memory gives the import more than ${this.#memoryMib} MiB)`
      : '';
    return new AppError('invalid_data', `the files can't be read: ${message}${advice}`, { cause: error });
  }
}

/** The path of a file as an SQL literal, escaped because DuckDB treats paths as patterns. */
export function quotePath(path: string): string {
  return quoteText(isRemote(path) ? path : path.replace(/[*?[]/g, '[$&]'));
}

/** Parses a whole number from a JSON row. DuckDB writes large numbers as text. */
export function numberOf(row: Row | undefined, column: string): number {
  const value = Number(row?.[column]);
  assert(Number.isSafeInteger(value), `${column} is a whole number`);
  return value;
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : '';
}
