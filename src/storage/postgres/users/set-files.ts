/**
 * Files of user sets. Each publication of a set has a file of its own, which its row in `user_sets` names. A row never
 * names a file that does not exist: the file is put before the transaction that inserts the row, and removed after the
 * transaction that deletes it. No transaction waits for the storage.
 */
import type { BlobReader, OpenBlob } from '../../../domain/ports/blobs.ts';
import type { IdBlocks } from '../../../domain/user-sets.ts';
import { AppError } from '../../../lib/errors.ts';
import { inParallel } from '../../../lib/limited.ts';
import { blocksOfSet, openUserSet, SEED_FOLDER, setOfFile, userSetFile } from '../../files/set-file.ts';
import { writeBlocks } from '../../files/writer.ts';
import type { Connection } from '../connection.ts';
import type { Sql } from '../database/database.ts';
import { forgetSetFile, readSetFiles, recordSetFile } from '../upkeep/unused-blobs.ts';
import { REMOVED_SETS } from './cached-sets.ts';
import { newSetName, publishedAt } from './set-names.ts';
import { deleteSet, deleteUnusedSet, hasSet, insertSet, type NamedSet, unusedSets } from './set-rows.ts';

/** Maximum number of times that sets are written because they cannot be recorded any more. */
const ATTEMPTS = 5;
/** Maximum number of files that are removed at one time. */
const REMOVED_AT_ONCE = 4;
/** Age at which a file without a row is what a killed process left. */
const LEFTOVER_MS = 24 * 3600 * 1000;
/** Age at which a published file can no longer be recorded, because it may be removed before the commit. */
const STALE_MS = LEFTOVER_MS / 2;

/** A set that is written to this machine, and that gets a file of its own in the storage. */
export interface NewSet extends NamedSet {
  /** Puts the file. Rejects with AppError storage_failed. */
  publish(): Promise<void>;
  /** Removes the file of this machine if it was not published. */
  discard(): void;
}

/** Thrown within a transaction that records sets: the sets have to be written again, and the transaction repeated. */
export class WriteAgain extends AppError {
  constructor() {
    super('unavailable', 'the user sets must be written again, because what they depend on has changed');
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

  /** Writes a set to this machine. @throws AppError storage_failed; the errors of `blocks` */
  async write(blocks: IdBlocks): Promise<NewSet> {
    const { sha256, users, sizeBytes, publish, discard } = await writeBlocks(this.#blobs, blocks);
    const name = newSetName(sha256, this.#clock.now());
    return { name, users, sizeBytes, publish: () => publish(name), discard };
  }

  /**
   * Writes sets, publishes their files, and calls `use`, which records the sets that it needs in a transaction (with
   * `record`). Files that no row names afterwards are removed.
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
        if (attempt === ATTEMPTS)
          throw new AppError('unavailable', 'others keep changing what the user set depends on');
      } finally {
        for (const set of all) set.discard();
        for (const { name } of all) await this.removeUnnamed(name);
      }
    }
  }

  /**
   * Records a published set, inside the caller's transaction.
   * @throws WriteAgain if the set was published too long ago
   */
  async record(transaction: Sql, set: NamedSet, now: number): Promise<void> {
    if (now - publishedAt(set.name) > STALE_MS) throw new WriteAgain();
    await insertSet(transaction, set, now);
  }

  /** Removes a set with its file, unless a row refers to it. @throws AppError storage_failed, unavailable */
  async removeUnused(name: string): Promise<void> {
    if (await this.#deleteRow(name)) await this.#removeFile(userSetFile(name));
  }

  /**
   * Removes all sets to which no row refers, and files whose removal failed earlier.
   * @throws AppError storage_failed, unavailable, after it has tried to remove all
   */
  async removeAllUnused(): Promise<void> {
    for (const name of await unusedSets(this.#database)) await this.#deleteRow(name);
    const errors: unknown[] = [];
    await inParallel(await readSetFiles(this.#database), REMOVED_AT_ONCE, async (file) => {
      await this.#removeFile(file).catch((error: unknown) => errors.push(error));
    });
    if (errors.length > 0) throw errors[0];
  }

  /** Removes old files that no row names. */
  async removeLeftovers(): Promise<void> {
    const before = this.#clock.now() - LEFTOVER_MS;
    for (const file of await this.#blobs.list(SEED_FOLDER)) {
      const name = setOfFile(file);
      if (name === null) await this.#blobs.deleteFile(SEED_FOLDER, file);
      else if (publishedAt(name) < before) await this.removeUnnamed(name);
    }
  }

  /** Removes the file of a published set unless a row names it. If that fails, the file is a leftover. */
  async removeUnnamed(name: string): Promise<void> {
    try {
      if (await this.#isUnnamed(name)) await this.#blobs.deleteFile(SEED_FOLDER, userSetFile(name));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Deletes the row of an unused set. Its file is recorded until it is removed, in case the process ends before. */
  #deleteRow(name: string): Promise<boolean> {
    return this.#database.write(async (transaction) => {
      if (!(await deleteUnusedSet(transaction, name))) return false;
      await recordSetFile(transaction, userSetFile(name), this.#clock.now());
      transaction.announce(REMOVED_SETS, name);
      return true;
    });
  }

  async #removeFile(file: string): Promise<void> {
    await this.#blobs.deleteFile(SEED_FOLDER, file);
    await forgetSetFile(this.#database, file);
  }

  async #isUnnamed(name: string): Promise<boolean> {
    if (await hasSet(this.#database, name)) return false;
    // waits for a transaction whose commit was lost with its connection, and which may have inserted the row
    return this.#database.write(async (transaction) => {
      if (!(await insertSet(transaction, { name, users: 0, sizeBytes: 0 }, 0))) return false;
      await deleteSet(transaction, name);
      return true;
    }, 'readCommitted');
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
