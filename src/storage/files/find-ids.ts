/** Finds which of the given ids are in a user set: a few ids by binary search, many ids in one pass over the file. */
import { setImmediate } from 'node:timers/promises';
import type { BlobReader, OpenBlob } from '../../domain/ports/local-blobs.ts';
import { intersectionOf } from './algebra.ts';
import { decodeIds, SEED_FOLDER, userSetBlocks, userSetFile } from './set-file.ts';

/** Bytes that the binary search reads at a time: enough for two lines with the longest ids. */
const WINDOW_BYTES = 4_096;
/** Maximum number of ids for binary search; larger numbers of ids are looked up in one pass over the file. */
const SEARCHED_IDS = 32;

/**
 * Returns the ids in `userIds` that the set contains. `userIds` must be sorted by UTF-16 code units. Other work can run
 * in between. The sha256 of the set is not verified. @throws AppError storage_failed, like `userSetBlocks`
 */
export async function findIds(
  blobs: Pick<BlobReader, 'open'>,
  sha256: string,
  userIds: readonly string[],
): Promise<string[]> {
  await setImmediate();
  if (userIds.length <= SEARCHED_IDS) {
    const found = searchIds(blobs, sha256, userIds);
    if (found !== null) return found;
  }
  const found: string[] = [];
  for (const block of intersectionOf(userSetBlocks(blobs, sha256), [userIds])) {
    found.push(...block);
    await setImmediate();
  }
  return found;
}

/** Finds ids by binary search; null if a line is too long for the window. */
function searchIds(blobs: Pick<BlobReader, 'open'>, sha256: string, userIds: readonly string[]): string[] | null {
  const blob = blobs.open(SEED_FOLDER, userSetFile(sha256));
  try {
    const found: string[] = [];
    for (const userId of userIds) {
      const has = searchId(blob, userId);
      if (has === null) return null;
      if (has) found.push(userId);
    }
    return found;
  } finally {
    blob.close();
  }
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
