/** Checks a user set against its name, in slices that let other work run in between. */
import { createHash } from 'node:crypto';
import type { BlobReader } from '../../domain/ports/blobs.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { SEED_FOLDER, userSetFile } from './set-file.ts';

/** Bytes that are read between two yields. */
const SLICE_BYTES = 256 * 1024;

/**
 * Yields the number of bytes of each slice; returns what is wrong with the set, or null.
 * @throws AppError storage_failed if the disk fails
 */
export function* checkUserSet(blobs: BlobReader, sha256: string): Generator<number, string | null, void> {
  try {
    const blob = blobs.open(SEED_FOLDER, userSetFile(sha256));
    try {
      const hash = createHash('sha256');
      const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, blob.sizeBytes));
      for (let at = 0; at < blob.sizeBytes; at += SLICE_BYTES) {
        const read = blob.read(slice, at);
        hash.update(slice.subarray(0, read));
        yield read;
      }
      return hash.digest('hex') === sha256 ? null : 'its bytes do not match its name';
    } finally {
      blob.close();
    }
  } catch (error) {
    if (error instanceof AppError && error.facts['errno'] === 'ENOENT') return messageOf(error);
    throw error;
  }
}
