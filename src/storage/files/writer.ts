/**
 * Writes a user set: sorted blocks to a blob, which gets its name (the sha256 of its bytes) in the transaction that
 * records it.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Blobs, BlobWriter, UnnamedBlob } from '../../domain/ports/blobs.ts';
import type { IdBlocks } from '../../domain/user-sets.ts';
import { encodeIds, SEED_FOLDER, type UserSet, userSetFile } from './set-file.ts';

/** Where sets are written. */
export type SetWrites = Pick<Blobs, 'write'>;

/** A set whose bytes are durable but which has no name yet. Its owner publishes or discards it. */
export interface WrittenSet extends UserSet {
  /**
   * Gives the file its name and waits until that is durable. It replaces an existing file of the same set, which
   * repairs a damaged one. Call it inside the write transaction that records the set: files that no row refers to are
   * also removed inside write transactions.
   */
  publish(): void;
  /** Removes the file if it was not published. */
  discard(): void;
}

/** Writes one set. Every method may throw AppError storage_failed; then no file is left behind. */
class UserSetWriter {
  readonly #blob: BlobWriter;
  readonly #hash = createHash('sha256');
  #users = 0;
  #sizeBytes = 0;

  constructor(blobs: SetWrites) {
    this.#blob = blobs.write(SEED_FOLDER);
  }

  /** Appends ids, which must be in ascending order and follow all ids written before. */
  write(userIds: readonly string[]): void {
    if (userIds.length === 0) return;
    const bytes = encodeIds(userIds);
    this.#hash.update(bytes);
    this.#blob.write(bytes);
    this.#users += userIds.length;
    this.#sizeBytes += bytes.length;
  }

  finishSync(): WrittenSet {
    return this.#named(this.#blob.finishSync());
  }

  async finish(): Promise<WrittenSet> {
    return this.#named(await this.#blob.finish());
  }

  /** Discards the set. */
  abort(): void {
    this.#blob.abort();
  }

  #named(blob: UnnamedBlob): WrittenSet {
    const sha256 = this.#hash.digest('hex');
    return {
      sha256,
      users: this.#users,
      sizeBytes: this.#sizeBytes,
      publish: () => blob.publish(userSetFile(sha256)),
      discard: () => blob.discard(),
    };
  }
}

/**
 * Writes a set that is in memory, in any order, without repetitions.
 * @throws AppError storage_failed with the cause
 */
export function writeUserSet(blobs: SetWrites, userIds: readonly string[]): WrittenSet {
  const writer = new UserSetWriter(blobs);
  writer.write([...userIds].sort());
  return writer.finishSync();
}

/**
 * Writes a set of any size in constant memory; lets other work run between its blocks.
 * @throws AppError storage_failed, and what `blocks` throws
 */
export async function writeBlocks(blobs: SetWrites, blocks: IdBlocks): Promise<WrittenSet> {
  const writer = new UserSetWriter(blobs);
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
