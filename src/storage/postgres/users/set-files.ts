/**
 * Files of user sets. A row never names a file that does not exist, although a file is put before the transaction that
 * records it, and other processes remove files at the same time: the key of the set's row is the lock of its file.
 * Whoever has inserted that row, in a transaction that is not committed yet, decides about the file; others who insert
 * it wait.
 */
import type { BlobReader, OpenBlob } from '../../../domain/ports/blobs.ts';
import type { IdBlocks } from '../../../domain/user-sets.ts';
import { AppError } from '../../../lib/errors.ts';
import { blocksOfSet, openUserSet, SEED_FOLDER, setOfFile, type UserSet, userSetFile } from '../../files/set-file.ts';
import type { WrittenSet } from '../../files/writer.ts';
import type { Connection } from '../connection.ts';
import type { Sql } from '../database/database.ts';
import { forgetSetFile, readSetFiles, recordSetFile } from '../upkeep/unused-blobs.ts';
import { deleteUnusedSet, insertSet, lockSet, unusedSets } from './set-rows.ts';

/** Maximum number of times that sets are written because another process keeps removing their files. */
const ATTEMPTS = 5;

/** A set that is written to this machine, and that is published by a promise. */
export type NewSet = WrittenSet<Promise<void>>;

/** Thrown within a transaction that records sets: the sets have to be written again, and the transaction repeated. */
export class WriteAgain extends Error {
  constructor() {
    super('the sets must be written again');
    this.name = 'WriteAgain';
  }
}

export class SetFiles {
  readonly #database: Connection['database'];
  readonly #blobs: Connection['blobs'];
  readonly #clock: Connection['options']['clock'];

  constructor({ database, blobs, options }: Connection) {
    this.#database = database;
    this.#blobs = blobs;
    this.#clock = options.clock;
  }

  /**
   * Writes sets, publishes their files, and calls `use`, which records the sets that it needs in a transaction (with
   * `record`). Files that no row names afterwards are removed. If another process has just removed a file, everything
   * is done again.
   * @throws AppError storage_failed, unavailable; the errors of `write` and `use`
   */
  async keep<Sets extends Readonly<Record<string, NewSet | null>>, T>(
    write: () => Promise<Sets>,
    use: (sets: Sets) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const sets = await write();
      const all = Object.values(sets).filter((set) => set !== null);
      try {
        for (const set of all) await set.publish();
        return await use(sets);
      } catch (error) {
        if (!(error instanceof WriteAgain)) throw error;
        if (attempt === ATTEMPTS) throw new AppError('unavailable', 'others keep removing the same user set');
      } finally {
        for (const set of all) set.discard();
        for (const { sha256 } of all) await this.#removeUnnamed(sha256);
      }
    }
  }

  /**
   * Records a published set, inside the caller's transaction.
   * @throws WriteAgain if another process has removed the file
   */
  async record(transaction: Sql, set: UserSet, now: number): Promise<void> {
    // a row that exists names a file, and a locked row cannot be deleted before this transaction refers to it
    while (!(await insertSet(transaction, set, now))) if (await lockSet(transaction, set.sha256)) return;
    if (!(await this.#blobs.hasFile(SEED_FOLDER, userSetFile(set.sha256)))) throw new WriteAgain();
  }

  /**
   * Removes a set with its file, or all sets, unless a row refers to them. Also removes the files of sets that lost
   * their row earlier and whose removal failed. @throws AppError storage_failed, unavailable
   */
  async removeUnused(sha256?: string): Promise<void> {
    // the row goes first, because an unused file is harmless, but a row without its file is not
    for (const each of sha256 === undefined ? await unusedSets(this.#database) : [sha256])
      await this.#database.write(async (transaction) => {
        if (await deleteUnusedSet(transaction, each))
          await recordSetFile(transaction, userSetFile(each), this.#clock.now());
      });
    for (const file of await readSetFiles(this.#database)) {
      await this.#remove(setOfFile(file)!);
      await forgetSetFile(this.#database, file);
    }
  }

  /** Removes files that no row names. */
  async removeLeftovers(): Promise<void> {
    for (const file of await this.#blobs.list(SEED_FOLDER)) {
      const sha256 = setOfFile(file);
      if (sha256 !== null) await this.#removeUnnamed(sha256);
      else await this.#blobs.deleteFile(SEED_FOLDER, file);
    }
  }

  async #removeUnnamed(sha256: string): Promise<void> {
    try {
      const row = await this.#database.get('SELECT 1 FROM user_sets WHERE sha256 = @sha256', { sha256 });
      if (row === undefined) await this.#remove(sha256);
    } catch (error) {
      // an unused file is harmless, and the next start tries again
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Removes the file of a set without a row. The inserted row keeps others from recording the set meanwhile. */
  async #remove(sha256: string): Promise<void> {
    await this.#database.write(async (transaction) => {
      if (!(await insertSet(transaction, { sha256, users: 0, sizeBytes: 0 }, 0))) return;
      await this.#blobs.deleteFile(SEED_FOLDER, userSetFile(sha256));
      await transaction.run('DELETE FROM user_sets WHERE sha256 = @sha256', { sha256 });
    });
  }
}

/** Opens sets, calls `work` with their blocks, and closes them. */
export async function withSets<T>(
  blobs: Pick<BlobReader, 'open'>,
  names: readonly string[],
  work: (sets: readonly IdBlocks[]) => Promise<T>,
): Promise<T> {
  const opened: { readonly name: string; readonly blob: OpenBlob }[] = [];
  try {
    for (const name of names) opened.push({ name, blob: await openUserSet(blobs, name) });
    return await work(opened.map(({ name, blob }) => blocksOfSet(blob, name)));
  } finally {
    for (const { blob } of opened) blob.close();
  }
}

/** Whether a file does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof AppError && error.facts['errno'] === 'ENOENT';
}
