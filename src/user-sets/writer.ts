/**
 * Writes a user set: sorted blocks to a temporary file, which is renamed (to the sha256 of its bytes) in the
 * transaction that records it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fdatasync, fsyncSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { IdBlocks } from '../campaigns/set-types.ts';
import {
  createFolder,
  listFolder,
  removeQuietly,
  storageError,
  syncFolder,
  withStorage,
  writeAll,
} from '../lib/durable-files.ts';
import { encodeIds, type UserSet, userSetPath } from './set-file.ts';

const TEMPORARY = '.tmp';
const sync = promisify(fdatasync);

/** A set whose bytes are on disk under a temporary name. Its owner must publish or discard it. */
export interface WrittenSet extends UserSet {
  /**
   * Renames the file to its final name and waits until that is on disk; replaces a file of the same set, which repairs
   * a damaged one. Called inside the write transaction that records the set: files without a row are removed inside a
   * transaction too.
   */
  publish(): void;
  /** Removes the temporary file if it was not published. */
  discard(): void;
}

/**
 * One set being written into `folder`. Every method throws AppError storage_failed with the cause, and then leaves
 * nothing behind.
 */
export class UserSetWriter {
  readonly #folder: string;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash = createHash('sha256');
  #isOpen = true;
  #users = 0;
  #sizeBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = temporaryPath(folder);
    this.#descriptor = withStorage('write a user set', () => {
      createFolder(folder);
      return openSync(this.#path, 'wx');
    });
  }

  /** Appends ids: each above all before it. */
  write(userIds: readonly string[]): void {
    if (userIds.length === 0) return;
    const bytes = encodeIds(userIds);
    this.#hash.update(bytes);
    this.#orAbort(() => writeAll(this.#descriptor, bytes, null));
    this.#users += userIds.length;
    this.#sizeBytes += bytes.length;
  }

  /** Waits until everything is on disk. */
  finishSync(): WrittenSet {
    this.#orAbort(() => fsyncSync(this.#descriptor));
    return this.#close();
  }

  /** The same, while other work continues. */
  async finish(): Promise<WrittenSet> {
    try {
      await sync(this.#descriptor);
    } catch (error) {
      this.abort();
      throw storageError('write a user set', error);
    }
    return this.#close();
  }

  /** Ends without a set. */
  abort(): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
    removeQuietly(this.#path, { recursive: false });
  }

  #close(): WrittenSet {
    this.#isOpen = false;
    closeSync(this.#descriptor);
    const folder = this.#folder;
    const path = this.#path;
    const sha256 = this.#hash.digest('hex');
    return {
      sha256,
      users: this.#users,
      sizeBytes: this.#sizeBytes,
      publish: () =>
        withStorage('write a user set', () => {
          renameSync(path, userSetPath(folder, sha256));
          syncFolder(folder);
        }),
      discard: () => removeQuietly(path, { recursive: false }),
    };
  }

  #orAbort(action: () => void): void {
    try {
      withStorage('write a user set', action);
    } catch (error) {
      this.abort();
      throw error;
    }
  }
}

/** Writes a set that is in memory: any order, no repetitions. @throws AppError storage_failed with the cause. */
export function writeUserSet(folder: string, userIds: readonly string[]): WrittenSet {
  const writer = new UserSetWriter(folder);
  writer.write([...userIds].sort());
  return writer.finishSync();
}

/**
 * Writes a set of any size, flat, with other work going on between its blocks. @throws AppError storage_failed, and
 * what `blocks` throws.
 */
export async function writeBlocks(folder: string, blocks: IdBlocks): Promise<WrittenSet> {
  const writer = new UserSetWriter(folder);
  try {
    for (const block of blocks) {
      writer.write(block);
      await setImmediate();
    }
    return await writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** A name for a file of `folder` that is not finished. */
export function temporaryPath(folder: string): string {
  return join(folder, `${randomUUID()}${TEMPORARY}`);
}

/** Removes what killed writers left. Only while nobody writes: at the start of a service. */
export function removeUnfinished(folder: string): void {
  const names = withStorage('read the user sets', () => listFolder(folder));
  for (const name of names) if (name.endsWith(TEMPORARY)) removeQuietly(join(folder, name));
}
