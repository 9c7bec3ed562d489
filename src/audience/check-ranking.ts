/** Checks the files of a ranking against their checksums, slice by slice, so that other work can run between slices. */
import { type BlobReader, type Blobs, untilRead } from '../domain/ports/blobs.ts';
import type { Verdict } from '../domain/ports/upkeep.ts';
import { messageOf } from '../lib/errors.ts';
import { SLICE_BYTES } from '../lib/files/slices.ts';
import { checkSize, decodeSidecar, isDamage, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from './format.ts';
import { blocksOf, type Sums, sumsOf } from './sums.ts';

/**
 * Checks a ranking slice by slice, and yields the number of bytes read for each slice.
 * @throws AppError storage_failed if the disk fails
 */
export async function* checkRanking(blobs: Blobs, folder: string): AsyncGenerator<number, Verdict, void> {
  try {
    const sidecar = decodeSidecar(folder, Buffer.from(await blobs.read(folder, SIDECAR_FILE)).toString('utf8'));
    const sums = {
      scores: yield* sumFile(blobs, folder, SCORES_FILE, sidecar.users),
      order: yield* sumFile(blobs, folder, ORDER_FILE, sidecar.candidates),
    };
    for (const [file, recorded, found] of [
      [SCORES_FILE, sidecar.sums.scores, sums.scores],
      [ORDER_FILE, sidecar.sums.order, sums.order],
    ] as const) {
      const block = found.findIndex((sum, i) => sum !== recorded[i]);
      if (block >= 0) return { fault: `block ${block} of ${file} does not match its checksum` };
    }
    return { fault: null };
  } catch (error) {
    if (isDamage(error)) return { fault: messageOf(error) };
    throw error;
  }
}

async function* sumFile(
  blobs: BlobReader,
  folder: string,
  file: string,
  entries: number,
): AsyncGenerator<number, Sums, void> {
  const blob = await blobs.open(folder, file);
  try {
    checkSize(folder, file, blob.sizeBytes, entries);
    const sums = new Uint32Array(blocksOf(blob.sizeBytes));
    const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, blob.sizeBytes));
    for (let at = 0; at < blob.sizeBytes; at += slice.length) {
      const read = await untilRead(() => blob.read(slice, at));
      sums.set(sumsOf(slice.subarray(0, read)), blocksOf(at));
      yield read;
    }
    return sums;
  } finally {
    blob.close();
  }
}
