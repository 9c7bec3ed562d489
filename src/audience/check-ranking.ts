/** Checks the files of a ranking against their checksums, slice by slice, so that other work can run between slices. */
import type { BlobReader, Blobs } from '../domain/ports/local-blobs.ts';
import type { Verdict } from '../domain/ports/upkeep.ts';
import { messageOf } from '../lib/errors.ts';
import { slicesOf } from '../lib/files/slices.ts';
import {
  checkSize,
  decodeSidecar,
  encodeSidecar,
  isDamage,
  ORDER_FILE,
  type RankingSums,
  SCORES_FILE,
  SIDECAR_FILE,
  type Sidecar,
} from './format.ts';
import { blocksOf, type Sums, sumsOf } from './sums.ts';

/**
 * Checks a ranking slice by slice, and yields the number of bytes read for each slice.
 * @throws AppError storage_failed if the disk fails
 */
export function* checkRanking(blobs: Blobs, folder: string): Generator<number, Verdict, void> {
  try {
    const sidecar = decodeSidecar(folder, Buffer.from(blobs.read(folder, SIDECAR_FILE)).toString('utf8'));
    const sums = {
      scores: yield* sumFile(blobs, folder, SCORES_FILE, sidecar.users),
      order: yield* sumFile(blobs, folder, ORDER_FILE, sidecar.candidates),
    };
    if (sidecar.sums === null) return { fault: null, seal: () => seal(blobs, folder, sidecar, sums) };
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

/** Adds checksums to the sidecar of a ranking without checksums. Readers see either the old sidecar or the new one. */
function seal(blobs: Blobs, folder: string, sidecar: Sidecar, sums: RankingSums): void {
  if (!blobs.has(folder)) return;
  const writer = blobs.write(folder);
  writer.write(encodeSidecar(sidecar, sums));
  writer.finishSync().publish(SIDECAR_FILE);
}

function* sumFile(blobs: BlobReader, folder: string, file: string, entries: number): Generator<number, Sums, void> {
  const blob = blobs.open(folder, file);
  try {
    checkSize(folder, file, blob.sizeBytes, entries);
    const sums = new Uint32Array(blocksOf(blob.sizeBytes));
    let block = 0;
    for (const slice of slicesOf(blob, blob.sizeBytes)) {
      sums.set(sumsOf(slice), block);
      block += blocksOf(slice.length);
      yield slice.length;
    }
    return sums;
  } finally {
    blob.close();
  }
}
