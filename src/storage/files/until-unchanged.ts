/** Work on user sets that others may replace after their names were read, and before their files are open. */
import type { OpenBlob } from '../../domain/ports/blobs.ts';
import type { IdBlocks, OwnedSet } from '../../domain/user-sets.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { blocksOfSet, openUserSet, type SetFiles } from './set-file.ts';

/** Maximum number of times that work begins anew because others changed the sets that it reads. */
const ATTEMPTS = 20;
const ATTEMPTS_FOR_FILES = 3;
/** Maximum number of attempts to open a set. */
const ATTEMPTS_TO_OPEN = 5;

/**
 * Calls `work` with the set that `read` returns. If `work` returns null, or does not find the file of a set because it
 * has just been replaced, `work` is called again.
 * @throws AppError unavailable if the sets change too often; the errors of `read` and `work`
 */
export async function untilUnchanged<T extends object>(
  read: () => OwnedSet | null | Promise<OwnedSet | null>,
  work: (owned: OwnedSet | null) => Promise<T | null>,
): Promise<T> {
  let missing: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const owned = await read();
    try {
      const done = await work(owned);
      if (done !== null) return done;
    } catch (error) {
      if (!isMissing(error)) throw error;
      // a file that is missing although nothing was replaced is lost
      if (attempt >= ATTEMPTS_FOR_FILES && (await read())?.name === owned?.name) throw error;
      missing = error;
    }
  }
  throw new AppError('unavailable', 'others keep changing the user set', { cause: missing });
}

/**
 * Reads all ids of the set that `find` names, even if the set is replaced during the read.
 * @throws AppError storage_failed
 */
export function* currentBlocks(blobs: SetFiles<OpenBlob>, find: () => string | null): IdBlocks {
  for (let attempt = 1; ; attempt++) {
    const name = find();
    if (name === null) return;
    let opened: OpenBlob;
    try {
      opened = openUserSet(blobs, name);
    } catch (error) {
      if (attempt === ATTEMPTS_TO_OPEN || !isMissing(error)) throw error;
      continue;
    }
    yield* blocksOfSet(opened, name);
    return;
  }
}
