/** Writes the sorted blocks of a user set to a blob. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { IdBlocks } from '../../domain/id-blocks.ts';
import type { Blobs, UnnamedBlob } from '../../domain/ports/blobs.ts';
import type { WeightSummary } from '../../domain/user-sets.ts';
import { encodeIds, SEED_FOLDER } from './set-file.ts';
import { SetFilterBuilder } from './set-filter.ts';
import { WeightTally } from './weight-tally.ts';

/** A set that is on disk but has no file name yet. */
export interface WrittenSet {
  readonly sha256: string;
  readonly users: number;
  readonly sizeBytes: number;
  readonly filter: string;
  /** Null if all ids have weight 1. */
  readonly weights: WeightSummary | null;
  /** The caller must publish or discard it. */
  readonly blob: UnnamedBlob;
}

/**
 * Writes a set of any size in constant memory; other work can run between blocks. After an error, no file is left.
 * @throws AppError storage_failed, and the errors of `blocks`
 */
export async function writeBlocks(blobs: Pick<Blobs, 'write'>, blocks: IdBlocks): Promise<WrittenSet> {
  const writer = blobs.write(SEED_FOLDER);
  const hash = createHash('sha256');
  const filter = new SetFilterBuilder();
  const weights = new WeightTally();
  let users = 0;
  let sizeBytes = 0;
  try {
    for (const userIds of blocks) {
      const bytes = encodeIds(userIds);
      hash.update(bytes);
      writer.write(bytes);
      filter.add(userIds);
      weights.add(userIds);
      users += userIds.length;
      sizeBytes += bytes.length;
      await setImmediate();
    }
    const blob = await writer.finish();
    return {
      sha256: hash.digest('hex'),
      users,
      sizeBytes,
      filter: await filter.encode(),
      weights: weights.summary(),
      blob,
    };
  } catch (error) {
    writer.abort();
    throw error;
  }
}
