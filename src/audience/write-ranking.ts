/** Writes a ranking folder atomically and durably. */
import { createHash } from 'node:crypto';
import type { Blobs } from '../domain/ports/blobs.ts';
import { assertLittleEndian, encodeSidecar, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from './format.ts';
import { orderOf } from './order.ts';
import { sumsOf } from './sums.ts';

/** A ranking that has been written. */
export interface WrittenRanking {
  readonly candidates: number;
  /** The sha256 of scores.f32 and of order.u32. */
  readonly sha256: { readonly scores: string; readonly order: string };
}

/**
 * Ranks the candidates of `scores` and writes them as the ranking folder `folder`. `scores` is indexed by user number;
 * NaN means that the user is not a candidate. `beside` contains additional files by name, which ranking readers ignore.
 * When the promise resolves, the folder is durable. An existing folder, left by an earlier attempt whose version was
 * never recorded, is replaced; readers that have it open continue to read the old files.
 * @throws AppError storage_failed with the cause (disk full, read-only, no permission), after incomplete files have
 * been removed
 */
export async function writeRanking(
  blobs: Blobs,
  folder: string,
  scores: Float32Array,
  beside: ReadonlyMap<string, NodeJS.ArrayBufferView> = new Map(),
): Promise<WrittenRanking> {
  assertLittleEndian();
  const order = orderOf(scores);
  const sums = { scores: sumsOf(scores), order: sumsOf(order) };
  const files = new Map<string, NodeJS.ArrayBufferView>([
    [SCORES_FILE, scores],
    [ORDER_FILE, order],
    [SIDECAR_FILE, encodeSidecar({ users: scores.length, candidates: order.length }, sums)],
    ...beside,
  ]);
  await blobs.publish(folder, files);
  return { candidates: order.length, sha256: { scores: sha256Of(scores), order: sha256Of(order) } };
}

function sha256Of(data: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}
