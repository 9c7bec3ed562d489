/** Writes a ranking folder: whole and on the disk, or not there at all. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  createFolder,
  removeQuietly,
  replaceFolder,
  storageError,
  syncFolder,
  writeDurably,
} from '../lib/durable-files.ts';
import { assertLittleEndian, encodeSidecar, ORDER_FILE, SCORES_FILE, SIDECAR_FILE } from './format.ts';
import { orderOf } from './order.ts';

/**
 * Ranks the candidates of `scores` (by user number; NaN = not a candidate) and writes them as the ranking folder `folder`, and in it
 * the files `beside` by name, which no reader of rankings looks at. When this returns, the folder and its name are on the disk. A folder
 * that is there already (an earlier attempt that never got to its row) is replaced; whoever has it open goes on reading the old one.
 * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; nothing half-written stays.
 */
export function writeRanking(
  folder: string,
  scores: Float32Array,
  beside: ReadonlyMap<string, NodeJS.ArrayBufferView> = new Map(),
): { candidates: number } {
  assertLittleEndian();
  const order = orderOf(scores);
  const sibling = randomUUID();
  const fresh = `${folder}.new-${sibling}`;
  try {
    createFolder(dirname(folder));
    removeLeftovers(folder);
    mkdirSync(fresh);
    writeDurably(join(fresh, SCORES_FILE), scores);
    writeDurably(join(fresh, ORDER_FILE), order);
    writeDurably(join(fresh, SIDECAR_FILE), encodeSidecar({ users: scores.length, candidates: order.length }));
    for (const [name, data] of beside) writeDurably(join(fresh, name), data);
    syncFolder(fresh);
    replaceFolder(fresh, folder, `${folder}.old-${sibling}`);
  } catch (error) {
    removeQuietly(fresh);
    throw storageError(`write ranking ${folder}`, error);
  }
  return { candidates: order.length };
}

/** What a killed attempt left beside the same target. */
function removeLeftovers(folder: string): void {
  const name = basename(folder);
  for (const entry of readdirSync(dirname(folder))) {
    if (entry.startsWith(`${name}.new-`) || entry.startsWith(`${name}.old-`)) {
      rmSync(join(dirname(folder), entry), { recursive: true, force: true });
    }
  }
}
