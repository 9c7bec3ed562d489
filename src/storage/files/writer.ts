/**
 * Writes the sorted blocks of a user set to a blob. The blob gets its name (the sha256 of its bytes) in the transaction
 * that records the set.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Blobs, BlobWriter, UnnamedBlob } from '../../domain/ports/local-blobs.ts';
import type { IdBlocks } from '../../domain/user-sets.ts';
import { encodeIds, SEED_FOLDER, type UserSet, userSetFile } from './set-file.ts';

/** Destination of new sets. */
export type SetWrites = Pick<Blobs, 'write'>;

/** A set that is written to disk but has no file name yet. Its owner publishes or discards the set. */
export interface WrittenSet extends UserSet {
  /**
   * Gives the file its name and waits until the name is durable. If the set already has a file, the file is replaced,
   * which repairs a damaged file. Call this inside the write transaction that records the set, because unused files are
   * also removed inside write transactions.
   */
  publish(): void;
  /** Removes an unpublished file. */
  discard(): void;
}

/** Writes one set. Each method may throw AppError storage_failed, and leaves no file behind in that case. */
class UserSetWriter {
  readonly #blob: BlobWriter;
  readonly #hash = createHash('sha256');
  #users = 0;
  #sizeBytes = 0;

  constructor(blobs: SetWrites) {
    this.#blob = blobs.write(SEED_FOLDER);
  }

  /** Appends ids, which must be in ascending order, after all ids written before. */
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
 * Writes a set from memory; the ids may be in any order, but must not repeat. @throws AppError storage_failed with the
 * cause
 */
export function writeUserSet(blobs: SetWrites, userIds: readonly string[]): WrittenSet {
  const writer = new UserSetWriter(blobs);
  writer.write([...userIds].sort());
  return writer.finishSync();
}

/**
 * Writes a set of any size in constant memory; other work can run between blocks. @throws AppError storage_failed, and
 * the errors of `blocks`
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
