/**
 * Repairs a damaged `erased.bin` from its intact records and from the ids that have been overwritten in the directory.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { copyDurably, replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { readTable } from '../import/table-files.ts';
import { withErasuresLockSync } from '../versions/lock.ts';
import { findLargestDirectory } from '../versions/manifest.ts';
import {
  correctRecord,
  type ErasedRecord,
  encodeRecords,
  RECORD_BYTES,
  readRecord,
  UNKNOWN_HASH,
} from './erased-records.ts';
import { ERASED_FILE, Erasures, findKeyFault } from './erasures.ts';

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
