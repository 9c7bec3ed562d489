/**
 * Erases users from all versions of a population folder, even while an import is running, and repairs a damaged
 * `erased.bin` from its intact records and from the ids that have been overwritten in the directory.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { copyDurably, replaceDurably, syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { readTable, readTableFrom } from '../import/table-files.ts';
import type { Directory } from '../read/directory.ts';
import { appendRecords } from '../versions/files.ts';
import { withErasuresLock, withErasuresLockSync } from '../versions/lock.ts';
import { findLargestDirectory, INCOMING_FOLDER, READMISSION_FILE } from '../versions/manifest.ts';
import {
  correctRecord,
  type ErasedRecord,
  encodeRecords,
  RECORD_BYTES,
  readRecord,
  UNKNOWN_HASH,
} from './erased-records.ts';
import { ERASED_FILE, ERASED_KEY_FILE, Erasures, findKeyFault, hasKey, KEY_BYTES } from './erasures.ts';

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

export interface ErasuresRepair {
  /** Number of intact records. */
  readonly whole: number;
  /** Number of corrected records, in which one bit had changed. */
  readonly corrected: number;
  /**
   * Number of users with a lost record who were recognised by their overwritten id in the directory. These users are
   * hidden by number only.
   */
  readonly recovered: number;
  /** Positions of lost records in the file, from 0. */
  readonly lost: readonly { readonly first: number; readonly count: number }[];
  /** Number of bytes that were cut off after the last intact record. */
  readonly cutBytes: number;
  /** Path of the damaged file, which is kept; null if the file was intact and is unchanged. */
  readonly aside: string | null;
  /** What is wrong with the key, which cannot be restored; null if the key is intact. */
  readonly keyFault: string | null;
}

/**
 * Placeholder for a lost record. The other records keep their positions, because services continue reading where they
 * stopped.
 */
const PLACEHOLDER: ErasedRecord = { userNumber: -1 as UserNumber, hash: UNKNOWN_HASH };

/**
 * Repairs the erasures, even while services and imports are running, because record positions do not change. A damaged
 * file is kept under another name; an intact file is not changed. @throws AppError unavailable, storage_failed,
 * invalid_population (the directory is damaged too)
 */
export function repairErasures(folder: string): ErasuresRepair {
  const redacted = redactedNumbers(folder);
  return withErasuresLockSync(folder, () => withStorage(`repair ${folder}`, () => repair(folder, redacted)));
}

function repair(folder: string, redacted: readonly UserNumber[]): ErasuresRepair {
  const path = join(folder, ERASED_FILE);
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const { records, ...found } = readDamaged(bytes);
  const known = new Set(records.map(({ userNumber }) => userNumber));
  const recovered = redacted
    .filter((userNumber) => !known.has(userNumber))
    .map((userNumber) => ({ userNumber, hash: UNKNOWN_HASH }));
  const made = encodeRecords([...records, ...recovered]);
  const keyFault = records.length > 0 ? findKeyFault(folder) : null;
  const facts = { ...found, recovered: recovered.length, keyFault };
  if (bytes.equals(made)) return { ...facts, aside: null };
  const aside = bytes.length === 0 ? null : freeName(`${path}.damaged`);
  if (aside !== null) copyDurably(path, aside);
  replaceDurably(path, made, `${path}.tmp`);
  // check that the new file can be read
  new Erasures(folder);
  return { ...facts, aside };
}

/** All records in order, with a placeholder for each lost record. */
function readDamaged(bytes: Buffer) {
  const records: ErasedRecord[] = [];
  const lost: { first: number; count: number }[] = [];
  let whole = 0;
  let corrected = 0;
  let at = 0;
  while (at + RECORD_BYTES <= bytes.length) {
    const record = readRecord(bytes, at) ?? correctRecord(bytes, at);
    if (record !== null) {
      if (readRecord(bytes, at) === null) corrected += 1;
      else whole += 1;
      records.push(record);
      at += RECORD_BYTES;
      continue;
    }
    const next = findNext(bytes, at + 1);
    if (next === null) break;
    const count = Math.max(1, Math.round((next - at) / RECORD_BYTES));
    lost.push({ first: records.length, count });
    for (let i = 0; i < count; i++) records.push(PLACEHOLDER);
    at = next;
  }
  return { records, whole, corrected, lost, cutBytes: bytes.length - at };
}

/** The start of the next intact record. Every byte is tried, because bytes may have been inserted or removed. */
function findNext(bytes: Buffer, from: number): number | null {
  for (let at = from; at + RECORD_BYTES <= bytes.length; at++) if (readRecord(bytes, at) !== null) return at;
  return null;
}

/** Users whose ids are overwritten in the directory, which shows that they were erased. */
function redactedNumbers(folder: string): UserNumber[] {
  const largest = findLargestDirectory(folder);
  if (largest === null) throw new AppError('invalid_population', `${folder} is not a population: it has no version`);
  const table = readTable(folder, largest);
  return Array.from({ length: table.count }, (_, number) => number as UserNumber).filter((number) =>
    table.isRedacted(number),
  );
}

function freeName(path: string): string {
  for (let i = 1; ; i++) if (!existsSync(`${path}-${i}`)) return `${path}-${i}`;
}
