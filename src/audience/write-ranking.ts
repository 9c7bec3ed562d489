/** Writes a ranking folder: complete and on disk, or not at all. */
import type { Blobs } from '../domain/ports/blobs.ts';
import { assertLittleEndian, encodeSidecar, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from './format.ts';
import { orderOf } from './order.ts';
import { sumsOf } from './sums.ts';

/**
 * Ranks the candidates of `scores` (by user number; NaN = not a candidate) and writes them as the ranking folder
 * `folder`, with the additional files `beside` by name, which ranking readers ignore. When this returns, all of it is
 * durable. An existing folder (from an earlier attempt whose version was never recorded) is replaced; readers that have
 * it open continue to read the old files.
 * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; no half-written files stay.
 */
export function writeRanking(
  blobs: Blobs,
  folder: string,
  scores: Float32Array,
  beside: ReadonlyMap<string, NodeJS.ArrayBufferView> = new Map(),
): { candidates: number } {
  assertLittleEndian();
  const order = orderOf(scores);
  const sums = { scores: sumsOf(scores), order: sumsOf(order) };
  const files = new Map<string, NodeJS.ArrayBufferView>([
    [SCORES_FILE, scores],
    [ORDER_FILE, order],
    [SIDECAR_FILE, encodeSidecar({ users: scores.length, candidates: order.length }, sums)],
    ...beside,
  ]);
  blobs.publish(folder, files);
  return { candidates: order.length };
}
