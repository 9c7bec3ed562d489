/** Checks all of a ranking's files against their checksums, in slices between which other work can run. */
import type { BlobReader, Blobs } from '../domain/ports/blobs.ts';
import { messageOf } from '../lib/errors.ts';
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
import { blocksOf, SUM_BLOCK_BYTES, type Sums, sumsOf } from './sums.ts';

/** Number of bytes read between two yields. */
const SLICE_BYTES = 16 * SUM_BLOCK_BYTES;

/** `unsealed`: the ranking was written before there were checksums; `sums` are those of its current bytes. */
export type RankingCheck =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unsealed'; readonly sidecar: Sidecar; readonly sums: RankingSums }
  | { readonly kind: 'damaged'; readonly message: string };

/** Yields the number of bytes that each slice read. @throws AppError storage_failed if the disk fails */
export function* checkRanking(blobs: BlobReader, folder: string): Generator<number, RankingCheck, void> {
  try {
    const sidecar = decodeSidecar(folder, Buffer.from(blobs.read(folder, SIDECAR_FILE)).toString('utf8'));
    const sums = {
      scores: yield* sumFile(blobs, folder, SCORES_FILE, sidecar.users),
      order: yield* sumFile(blobs, folder, ORDER_FILE, sidecar.candidates),
    };
    if (sidecar.sums === null) return { kind: 'unsealed', sidecar, sums };
    for (const [file, recorded, found] of [
      [SCORES_FILE, sidecar.sums.scores, sums.scores],
      [ORDER_FILE, sidecar.sums.order, sums.order],
    ] as const) {
      const block = found.findIndex((sum, i) => sum !== recorded[i]);
      if (block >= 0) return { kind: 'damaged', message: `block ${block} of ${file} does not have its checksum` };
    }
    return { kind: 'whole' };
  } catch (error) {
    if (isDamage(error)) return { kind: 'damaged', message: messageOf(error) };
    throw error;
  }
}

/** Adds the checksums to the sidecar of a ranking without any; readers see the old sidecar or the new one. */
export function sealRanking(
  blobs: Blobs,
  folder: string,
  { sidecar, sums }: Extract<RankingCheck, { kind: 'unsealed' }>,
): void {
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
    const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, blob.sizeBytes));
    for (let at = 0; at < blob.sizeBytes; at += SLICE_BYTES) {
      const read = blob.read(slice, at);
      sums.set(sumsOf(slice.subarray(0, read)), at / SUM_BLOCK_BYTES);
      yield read;
    }
    return sums;
  } finally {
    blob.close();
  }
}
