/** Finds which of the given ids are in a user set: a few ids by binary search, many ids in one pass over the file. */
import { setImmediate } from 'node:timers/promises';
import type { OpenBlob } from '../../domain/ports/blobs.ts';
import { intersectionOf } from './algebra.ts';
import { blocksOfSet, decodeIds } from './set-file.ts';

/** Bytes that the binary search reads at a time: enough for two lines with the longest ids. */
const WINDOW_BYTES = 4_096;
/** Maximum number of ids for binary search; larger numbers of ids are looked up in one pass over the file. */
const SEARCHED_IDS = 32;

/**
 * Returns the ids in `userIds` that an open set contains, and closes the set. `userIds` must be sorted by UTF-16 code
 * units. Other work can run in between. The sha256 of the set is not verified.
 * @throws AppError storage_failed, like `blocksOfSet`
 */
export async function findIds(blob: OpenBlob, set: string, userIds: readonly string[]): Promise<string[]> {
  try {
    await setImmediate();
    if (userIds.length <= SEARCHED_IDS) {
      const found = searchIds(blob, userIds);
      if (found !== null) return found;
    }
    const found: string[] = [];
    for (const block of intersectionOf(blocksOfSet(blob, set), [userIds])) {
      found.push(...block);
      await setImmediate();
    }
    return found;
  } finally {
    blob.close();
  }
}

/** Finds ids by binary search; null if a line is too long for the window. */
function searchIds(blob: OpenBlob, userIds: readonly string[]): string[] | null {
  const found: string[] = [];
  for (const userId of userIds) {
    const has = searchId(blob, userId);
    if (has === null) return null;
    if (has) found.push(userId);
  }
  return found;
}

function searchId(blob: OpenBlob, userId: string): boolean | null {
  // if the set has the id, its line begins at `low` or later, and before `high`
  let low = 0;
  let high = blob.sizeBytes;
  while (high - low > WINDOW_BYTES) {
    const middle = low + Math.floor((high - low) / 2);
    const window = readAt(blob, middle);
    const start = window.indexOf(0x0a) + 1;
    const end = window.indexOf(0x0a, start) + 1;
    if (start === 0 || (end === 0 && middle + start < blob.sizeBytes)) return null;
    if (middle + start >= high) high = middle + 1;
    else if (decodeIds(window.subarray(start, end))[0]! <= userId) low = middle + start;
    else high = middle + start;
  }
  const lines = Buffer.concat([readAt(blob, low), readAt(blob, low + WINDOW_BYTES)]);
  return decodeIds(lines.subarray(0, lines.lastIndexOf(0x0a) + 1)).includes(userId);
}

function readAt(blob: OpenBlob, position: number): Buffer {
  const window = Buffer.alloc(WINDOW_BYTES);
  return window.subarray(0, blob.read(window, position));
}
