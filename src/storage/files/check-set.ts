/** Checks a user set against its name, in slices that let other work run in between. */
import type { BlobReader } from '../../domain/ports/blobs.ts';
import type { Verdict } from '../../domain/ports/upkeep.ts';
import { isMissing, messageOf } from '../../lib/errors.ts';
import { hashSlices } from '../../lib/files/slices.ts';
import { openUserSet, sumOfSet } from './set-file.ts';

/**
 * Yields the number of bytes of each slice.
 * @throws AppError storage_failed if the disk fails
 */
export async function* checkUserSet(blobs: BlobReader, name: string): AsyncGenerator<number, Verdict, void> {
  try {
    const blob = await openUserSet(blobs, name);
    try {
      const isWhole = (yield* hashSlices(blob, blob.sizeBytes)) === sumOfSet(name);
      return { fault: isWhole ? null : 'the bytes of the file do not match its name' };
    } finally {
      blob.close();
    }
  } catch (error) {
    if (isMissing(error)) return { fault: messageOf(error) };
    throw error;
  }
}
