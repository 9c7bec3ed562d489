/** Erases users from all versions of a population folder, even while an import is running. */
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { readTableFrom } from '../import/table-files.ts';
import type { Directory } from '../read/directory.ts';
import { appendRecords } from '../versions/files.ts';
import { withErasuresLock } from '../versions/lock.ts';
import { findLargestDirectory, INCOMING_FOLDER, READMISSION_FILE } from '../versions/manifest.ts';
import { type ErasedRecord, encodeRecords, RECORD_BYTES } from './erased-records.ts';
import { ERASED_FILE, ERASED_KEY_FILE, type Erasures, hasKey, KEY_BYTES } from './erasures.ts';

/** Number of ids to record before other processes get a chance to acquire the lock. */
const SLICE_IDS = 2_000;

export interface ErasedCounts {
  /** Number of newly erased users, including users who were never in the population. */
  readonly erased: number;
  /** Number of newly erased users who were in at least one version of the population. */
  readonly known: number;
}

/** The parts of a population folder that the caller has open. */
export interface KnownUsers {
  readonly erasures: Erasures;
  /**
   * Directory of users, which may be older than the newest version. Users missing from this directory are looked up in
   * the files.
   */
  readonly directory: Directory;
}

/**
 * Records the erasure of these users. The records are durable when the promise resolves. Repeating the call changes
 * nothing. @throws AppError unavailable (the lock was not released in time), invalid_population, storage_failed
 */
export async function eraseUsers(folder: string, userIds: readonly string[], known: KnownUsers): Promise<ErasedCounts> {
  const counts = { erased: 0, known: 0 };
  for (let at = 0; at < userIds.length; at += SLICE_IDS) {
    const slice = await eraseSlice(folder, userIds.slice(at, at + SLICE_IDS), known);
    counts.erased += slice.erased;
    counts.known += slice.known;
    await setImmediate();
  }
  return counts;
}

function eraseSlice(folder: string, userIds: readonly string[], known: KnownUsers): Promise<ErasedCounts> {
  return withErasuresLock(folder, () =>
    withStorage(`write ${join(folder, ERASED_FILE)}`, () => recordUsers(folder, userIds, known)),
  );
}

/**
 * Appends records to the end of the file without overwriting other records. An incomplete record at the end is cut off
 * first. The caller must hold the lock and have refreshed `erasures`.
 */
export function appendErasures(folder: string, records: readonly ErasedRecord[], erasures: Erasures): void {
  if (records.length === 0) return;
  const path = join(folder, ERASED_FILE);
  const isFirst = erasures.count === 0;
  appendRecords(path, encodeRecords(records), () => {
    erasures.refresh();
    return erasures.count * RECORD_BYTES;
  });
  if (isFirst) syncFolder(folder);
  erasures.add(records);
}

function recordUsers(folder: string, userIds: readonly string[], { erasures, directory }: KnownUsers): ErasedCounts {
  erasures.refresh();
  makeKey(folder, erasures);
  const numberOf = newestNumbers(folder, directory);
  // an import may be readmitting these users, so they are recorded again even if they are already erased
  const isReadmitting = existsSync(join(folder, INCOMING_FOLDER, READMISSION_FILE));
  const records: ErasedRecord[] = [];
  const repeated: ErasedRecord[] = [];
  for (const userId of new Set(userIds)) {
    const userNumber = numberOf(userId);
    const record = { userNumber, hash: erasures.hashOf(userId) };
    // users without a number are recognised by their hash; an erased user who has a new number was readmitted, and must
    // be erased again
    if ((userNumber >= 0 && !erasures.has(userNumber)) || !erasures.hasId(userId)) records.push(record);
    else if (isReadmitting) repeated.push(record);
  }
  appendErasures(folder, [...records, ...repeated], erasures);
  return countErased(records);
}

/** Counts the users of new records. A user may have several ids. */
export function countErased(records: readonly ErasedRecord[]): ErasedCounts {
  const known = new Set(records.map(({ userNumber }) => userNumber).filter((userNumber) => userNumber >= 0)).size;
  return { erased: known + records.filter(({ userNumber }) => userNumber < 0).length, known };
}

/** Looks up user numbers, including those of users whom an import has published since `directory` was read. */
export function newestNumbers(folder: string, directory: Directory): (userId: string) => UserNumber {
  const newest = findLargestDirectory(folder);
  const later =
    newest === null || newest.count <= directory.size ? null : readTableFrom(folder, newest, directory.size);
  return (userId) => {
    const known = directory.find(userId);
    if (known >= 0 || later === null) return known;
    const index = later.find(userId);
    return index < 0 ? -1 : directory.size + index;
  };
}

function makeKey(folder: string, erasures: Erasures): void {
  if (hasKey(folder)) return;
  const path = join(folder, ERASED_KEY_FILE);
  if (erasures.count > 0) throw new AppError('invalid_population', `${path} is gone: restore the file from a backup`);
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
  renameSync(temporary, path);
  syncFolder(folder);
}
