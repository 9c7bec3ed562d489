/** Writes a ranking folder: whole and on the disk, or not there at all. */
import type { Blobs } from '../campaigns/ports/blobs.ts';
import { assertLittleEndian, encodeSidecar, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from './format.ts';
import { orderOf } from './order.ts';

/**
 * Ranks the candidates of `scores` (by user number; NaN = not a candidate) and writes them as the ranking folder
 * `folder`, and in it the files `beside` by name, which no reader of rankings looks at. When this returns, all of it is
 * durable. A folder that is there already (an earlier attempt that never got to its row) is replaced; whoever has it
 * open goes on reading the old one.
 * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; nothing half-written stays.
 */
export function writeRanking(
  blobs: Blobs,
  folder: string,
  scores: Float32Array,
  beside: ReadonlyMap<string, NodeJS.ArrayBufferView> = new Map(),
): { candidates: number } {
  assertLittleEndian();
  const order = orderOf(scores);
  const files = new Map<string, NodeJS.ArrayBufferView>([
    [SCORES_FILE, scores],
    [ORDER_FILE, order],
    [SIDECAR_FILE, encodeSidecar({ users: scores.length, candidates: order.length })],
    ...beside,
  ]);
  blobs.publish(folder, files);
  return { candidates: order.length };
}
