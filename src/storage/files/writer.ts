/**
 * Writes the sorted blocks of a user set to a blob. The blob gets its name (the sha256 of its bytes) in the transaction
 * that records the set.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { BlobWriter, UnnamedBlob } from '../../domain/ports/blobs.ts';
import type { IdBlocks } from '../../domain/user-sets.ts';
import type { FileBlobs } from './blobs.ts';
import { encodeIds, SEED_FOLDER, type UserSet, userSetFile } from './set-file.ts';

/** Destination of new sets. `Published` is what publishing a set returns, as in `BlobWriter`. */
interface SetWrites<Published> {
  write(folder: string): BlobWriter<Published>;
}

/** A set that is written to disk but has no file name yet. Its owner publishes or discards the set. */
export interface WrittenSet<Published> extends UserSet {
  /**
   * Gives the file its name (by default, that of its sha256) and waits until the name is durable. If there already is
   * such a file, it is replaced, which repairs a damaged file. If sets are files, call this inside the write
   * transaction that records the set, because unused files are also removed inside write transactions.
   */
  publish(name?: string): Published;
  /** Removes an unpublished file. */
  discard(): void;
}

/** Writes one set. Each method may throw AppError storage_failed, and leaves no file behind in that case. */
class UserSetWriter<Published> {
  readonly #blob: Pick<BlobWriter, 'write'>;
  readonly #hash = createHash('sha256');
  #users = 0;
  #sizeBytes = 0;

  constructor(blob: Pick<BlobWriter, 'write'>) {
    this.#blob = blob;
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

  /** The set, whose bytes are complete in `blob`. */
  written(blob: UnnamedBlob<Published>): WrittenSet<Published> {
    const sha256 = this.#hash.digest('hex');
    return {
      sha256,
      users: this.#users,
      sizeBytes: this.#sizeBytes,
      publish: (name = sha256) => blob.publish(userSetFile(name)),
      discard: () => blob.discard(),
    };
  }
}

/**
 * Writes a set from memory; the ids may be in any order, but must not repeat. @throws AppError storage_failed with the
 * cause
 */
export function writeUserSet(blobs: Pick<FileBlobs, 'write'>, userIds: readonly string[]): WrittenSet<void> {
  const blob = blobs.write(SEED_FOLDER);
  const writer = new UserSetWriter<void>(blob);
  writer.write([...userIds].sort());
  return writer.written(blob.finishSync());
}

/**
 * Writes a set of any size in constant memory; other work can run between blocks. @throws AppError storage_failed, and
 * the errors of `blocks`
 */
export async function writeBlocks<Published>(
  blobs: SetWrites<Published>,
  blocks: IdBlocks,
): Promise<WrittenSet<Published>> {
  const blob = blobs.write(SEED_FOLDER);
  const writer = new UserSetWriter<Published>(blob);
  try {
    for (const block of blocks) {
      writer.write(block);
      await setImmediate();
    }
    return writer.written(await blob.finish());
  } catch (error) {
    blob.abort();
    throw error;
  }
}
