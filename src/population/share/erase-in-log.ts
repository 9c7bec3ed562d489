/** Erases users by adding to the log of the published population. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import type { ErasedCounts } from '../erase/erase-users.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import type { Erasures } from '../erase/erasures.ts';
import { addErasures, requireSharedKey, writeKey } from './erasure-log.ts';
import { type IndexAt, replaceIndex } from './published-index.ts';

/** Maximum number of attempts while other hosts erase users or publish. */
const ATTEMPTS = 50;
/** Pauses are random, so that hosts do not stay synchronised. */
const LONGEST_PAUSE_MS = 100;

/** The mirror as of an index. */
export interface UsersAt {
  readonly at: IndexAt;
  readonly erasures: Erasures;
  /** Finds users of all versions of that index. */
  numberOf(userId: string): UserNumber;
}

/**
 * Records the erasure of these users. The index is replaced only if it is still the index in which the users were
 * looked up, so a version that is published meanwhile cannot hide from the erasure. Users who were erased before are
 * recorded again, because an import elsewhere may be readmitting them. @throws AppError unavailable, storage_failed
 */
export async function eraseInLog(
  files: BlobFiles,
  folder: string,
  userIds: readonly string[],
  follow: () => Promise<UsersAt>,
): Promise<ErasedCounts> {
  if (userIds.length === 0) return { erased: 0, known: 0 };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { at, erasures, numberOf } = await follow();
    if (erasures.count === 0) writeKey(folder, await requireSharedKey(files, null));
    const counts = { erased: 0, known: 0 };
    const records: ErasedRecord[] = [];
    for (const userId of new Set(userIds)) {
      const userNumber = numberOf(userId);
      records.push({ userNumber, hash: erasures.hashOf(userId) });
      const isNew = (userNumber >= 0 && !erasures.has(userNumber)) || !erasures.hasId(userId);
      if (isNew) counts.erased += 1;
      if (isNew && userNumber >= 0) counts.known += 1;
    }
    if ((await replaceIndex(files, at, await addErasures(files, at.index, records))) !== null) return counts;
    await sleep(randomInt(1, LONGEST_PAUSE_MS));
  }
  throw new AppError('unavailable', 'others change the published population all the time: try again');
}
