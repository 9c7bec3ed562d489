/** Reads and changes the index of a published population. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { decodeIndex, EMPTY_INDEX, encodeIndex, INDEX_NAME, type PublishedIndex } from './index-schema.ts';

/** The index as it was read. `tag` is null if nothing was ever published. */
export interface IndexAt {
  readonly index: PublishedIndex;
  readonly tag: string | null;
}

/** Maximum number of attempts to change the index while other hosts change it. */
const ATTEMPTS = 50;
const LONGEST_PAUSE_MS = 200;

/** @throws AppError invalid_population, storage_failed */
export async function readIndex(files: BlobFiles): Promise<IndexAt> {
  const found = await files.find(INDEX_NAME);
  return found === null
    ? { index: EMPTY_INDEX, tag: null }
    : { index: decodeIndex(found.data, INDEX_NAME), tag: found.tag };
}

/** Replaces the index that was read; null if somebody else has replaced it. @throws AppError storage_failed */
export async function replaceIndex(files: BlobFiles, { tag }: IndexAt, index: PublishedIndex): Promise<IndexAt | null> {
  const replaced = await files.put(INDEX_NAME, encodeIndex(index), tag === null ? 'if-absent' : { ifTag: tag });
  return replaced === null ? null : { index, tag: replaced };
}

/**
 * Changes the index. `change` gets the current index, may be called several times, and returns null to leave the index
 * as it is. Returns the resulting index. @throws AppError unavailable (others change the index all the time),
 * invalid_population, storage_failed, and the errors of `change`
 */
export async function changeIndex(
  files: BlobFiles,
  change: (at: IndexAt) => Promise<PublishedIndex | null>,
): Promise<IndexAt> {
  return untilReplaced(async () => {
    const at = await readIndex(files);
    const next = await change(at);
    return next === null ? at : replaceIndex(files, at, next);
  });
}

/**
 * Calls `replace` until it returns a result. It returns null if others have replaced the index.
 * @throws AppError unavailable
 */
export async function untilReplaced<T>(replace: () => Promise<T | null>): Promise<T> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const replaced = await replace();
    if (replaced !== null) return replaced;
    // the pause is random, so that hosts do not stay synchronised
    await sleep(randomInt(1, LONGEST_PAUSE_MS));
  }
  throw new AppError('unavailable', `${INDEX_NAME} was changed by others ${ATTEMPTS} times: try again`);
}
