/**
 * Files of user sets. Each publication of a set has its own file, named by its row in `user_sets`. A row never names a
 * missing file: the file is put before the transaction that inserts the row, and removed after the transaction that
 * deletes it. No transaction waits for the storage.
 */
import type { IdBlocks } from '../../domain/id-blocks.ts';
import type { BlobReader, OpenBlob } from '../../domain/ports/blobs.ts';
import { AppError } from '../../lib/errors.ts';
import {
  newSetName,
  openUserSet,
  publishedAt,
  readSet,
  SEED_FOLDER,
  setOfFile,
  userSetFile,
} from '../files/set-file.ts';
import { writeBlocks } from '../files/writer.ts';
import { REMOVED_SETS } from './cached-sets.ts';
import type { StoreDependencies } from './dependencies.ts';
import { deleteSet, deleteUnusedRows, existingSets, insertSet, type NamedSet } from './set-rows.ts';
import type { Sql, Transaction } from './sql.ts';
import { record } from './unused-blobs.ts';

/** Maximum number of times that sets are written again because it became too late to record them. */
const ATTEMPTS = 5;
/** A file without a row that is at least this old was left behind by a killed process. */
const LEFTOVER_MS = 24 * 3600 * 1000;
/**
 * A published file that is at least this old can no longer be recorded, because it might be removed before the commit.
 */
const STALE_MS = LEFTOVER_MS / 2;

/** A set that was written on this machine and whose file has not been put into the storage yet. */
export interface NewSet extends NamedSet {
  /** Puts the file. Rejects with AppError storage_failed. */
  publish(): Promise<void>;
  /** Removes the local file if it was not published. */
  discard(): void;
}

/** Thrown in a transaction that records sets: the sets must be written again, and the transaction repeated. */
export class WriteAgain extends AppError {
  constructor() {
    super('unavailable', 'the user sets must be written again, because what they depend on has changed');
  }
}

export class SetFiles {
  readonly #dependencies: StoreDependencies;

  constructor(dependencies: StoreDependencies) {
    this.#dependencies = dependencies;
  }

  /** Writes a set to this machine. @throws AppError storage_failed; the errors of `blocks` */
  async write(blocks: IdBlocks): Promise<NewSet> {
    const { blobs, options } = this.#dependencies;
    const { sha256, blob, ...written } = await writeBlocks(blobs, blocks);
    const name = newSetName(sha256, options.clock.now());
    return { ...written, name, publish: () => blob.publish(userSetFile(name)), discard: () => blob.discard() };
  }

  /**
   * Writes sets, publishes their files, and calls `use`, which records the sets it needs in a transaction (with
   * `record`). Files that no row names afterwards are removed.
   * @throws AppError storage_failed, unavailable; the errors of `write` and `use`
   */
  async keep<Sets extends Readonly<Record<string, NewSet | null>>, T>(
    write: () => Promise<Sets>,
    use: (sets: Sets) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      this.#dependencies.database.requireWritable();
      const sets = await write();
      const all = Object.values(sets).filter((set) => set !== null);
      try {
        for (const set of all) await set.publish();
        return await use(sets);
      } catch (error) {
        if (!(error instanceof WriteAgain)) throw error;
        if (attempt === ATTEMPTS)
          throw new AppError('unavailable', 'other requests keep changing data that the user set depends on');
      } finally {
        for (const set of all) set.discard();
        for (const { name } of all) await this.removeUnnamed(name);
      }
    }
  }

  /**
   * Records a published set in the caller's transaction.
   * @throws WriteAgain if the set was published too long ago
   */
  async record(transaction: Sql, set: NamedSet, now: number): Promise<void> {
    if (now - publishedAt(set.name) > STALE_MS) throw new WriteAgain();
    await insertSet(transaction, set, now);
  }

  /** Removes old files that no row names. Others may be writing. @throws AppError storage_failed */
  async removeLeftovers(): Promise<void> {
    const { blobs, options } = this.#dependencies;
    const before = options.clock.now() - LEFTOVER_MS;
    for (const file of await blobs.list(SEED_FOLDER)) {
      const name = setOfFile(file);
      if (name === null) await blobs.deleteFile(SEED_FOLDER, file);
      else if (publishedAt(name) < before) await this.removeUnnamed(name);
    }
  }

  /** Removes the file of a published set unless a row names it. If that fails, `removeLeftovers` removes it later. */
  async removeUnnamed(name: string): Promise<void> {
    try {
      if (await this.#isUnnamed(name)) await this.#dependencies.blobs.deleteFile(SEED_FOLDER, userSetFile(name));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  async #isUnnamed(name: string): Promise<boolean> {
    const { database } = this.#dependencies;
    if ((await existingSets(database, [name])).length > 0) return false;
    // if its connection was lost during the commit, a transaction may still insert the row, so wait for it
    return database.write(async (transaction) => {
      if (!(await insertSet(transaction, { name, users: 0, sizeBytes: 0, filter: '', weights: null }, 0))) return false;
      await deleteSet(transaction, name);
      return true;
    }, 'readCommitted');
  }
}

/**
 * Deletes the rows of sets that no other row refers to, in the caller's transaction, and records their files as unused.
 * Returns the paths of these files, for `UnusedBlobs.remove` after the commit.
 */
export async function deleteUnusedSets(t: Transaction, names: readonly string[], now: number): Promise<string[]> {
  if (names.length === 0) return [];
  const deleted = await deleteUnusedRows(t, names);
  const paths = deleted.map((name) => `${SEED_FOLDER}/${userSetFile(name)}`);
  await record(t, paths, now);
  for (const name of deleted) t.announce(REMOVED_SETS, name);
  return paths;
}

/** Opens sets, calls `work` with their blocks, which can be read repeatedly, and closes them. */
export async function withSets<T>(
  blobs: Pick<BlobReader, 'open'>,
  names: readonly string[],
  work: (sets: readonly IdBlocks[]) => Promise<T>,
): Promise<T> {
  const opened: { readonly name: string; readonly blob: OpenBlob }[] = [];
  try {
    for (const name of names) opened.push({ name, blob: await openUserSet(blobs, name) });
    return await work(opened.map(({ name, blob }) => ({ [Symbol.iterator]: () => readSet(blob, name) })));
  } finally {
    for (const { blob } of opened) blob.close();
  }
}
