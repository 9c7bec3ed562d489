/**
 * The file `reserve` of a data folder, which contains random bytes. It is released when a deletion finds the disk full,
 * because SQLite has to write before it can delete.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreReserve } from '../../../domain/ports/reserve.ts';
import { AppError } from '../../../lib/errors.ts';
import { removeQuietly, storageError, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { type Connection, FULL_DISK, truncateLog } from './database.ts';

const RESERVE_FILE = 'reserve';
/** Bytes written per turn of the event loop. */
const CHUNK_BYTES = 256 * 1024;

/** SQLite and system error codes for a full disk. */
const FULL: ReadonlySet<unknown> = new Set([...FULL_DISK, 'ENOSPC', 'EDQUOT']);

export class Reserve implements StoreReserve {
  readonly #folder: string;
  readonly #path: string;
  #database: Connection | null = null;
  #isGivenUp = false;

  constructor(dataDir: string) {
    this.#folder = dataDir;
    this.#path = join(dataDir, RESERVE_FILE);
  }

  /** Truncates the log of this connection after the reserve has been used. */
  serve(database: Connection): void {
    this.#database = database;
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  sizeBytes(): number {
    return withStorage(`read ${this.#path}`, () => statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0);
  }

  giveUp(): void {
    if (this.sizeBytes() === 0) return;
    this.#isGivenUp = true;
    this.#remove();
  }

  async keep(bytes: number): Promise<void> {
    const size = this.sizeBytes();
    if (size > bytes) this.#remove();
    if (size !== bytes && bytes > 0) await this.#make(bytes);
    if (this.sizeBytes() === bytes) this.#isGivenUp = false;
  }

  async using<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // if another process has released the reserve by now, the effect is the same
      this.giveUp();
    }
    const done = await action();
    this.#giveLogBack();
    return done;
  }

  /** Truncates the log, which still contains deleted content. If this step fails, the deletion still succeeds. */
  #giveLogBack(): void {
    if (this.#database === null || this.#database.inTransaction) return;
    try {
      truncateLog(this.#database);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  #remove(): void {
    withStorage(`remove ${this.#path}`, () => {
      rmSync(this.#path, { force: true });
      syncFolder(this.#folder);
    });
  }

  /** Writes the file with random bytes, which no file system can compress. */
  async #make(bytes: number): Promise<void> {
    const chunk = randomBytes(Math.min(CHUNK_BYTES, bytes));
    try {
      const file = await open(this.#path, 'a', 0o600);
      try {
        for (let at = (await file.stat()).size; at < bytes; at = (await file.stat()).size) {
          if (this.sizeBytes() !== at) return; // released meanwhile
          await file.write(chunk, 0, Math.min(chunk.length, bytes - at));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      syncFolder(this.#folder);
    } catch (error) {
      removeQuietly(this.#path);
      throw storageError(`write ${this.#path}`, error);
    }
  }
}

/**
 * Whether an error means that the disk is full: a SQLite or system error, or a storage_failed caused by such an error.
 */
export function isDiskFull(error: unknown): boolean {
  return FULL.has(error instanceof AppError ? error.facts['errno'] : (error as { readonly code?: unknown }).code);
}
