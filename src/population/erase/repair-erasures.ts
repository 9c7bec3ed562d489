/** Makes a damaged `erased.bin` whole again, from what is left of it and from the ids that are overwritten already. */
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
  /** Records that were whole. */
  readonly whole: number;
  /** Records in which one bit had changed, and was changed back. */
  readonly corrected: number;
  /** Users whose record is lost and whose id is overwritten in the directory: hidden again, by their number alone. */
  readonly recovered: number;
  /** Records of which nothing is known: positions in the file, from 0. */
  readonly lost: readonly { readonly first: number; readonly count: number }[];
  /** Bytes behind the last whole record, which were cut off. */
  readonly cutBytes: number;
  /** Where the file is that was damaged; null if it was whole, and is as it was. */
  readonly aside: string | null;
  /** What is wrong with the key, which nothing can make again; null if nothing is. */
  readonly keyFault: string | null;
}

/** In the place of a record that is lost: others keep their positions, up to which a service may have read. */
const PLACEHOLDER: ErasedRecord = { userNumber: -1 as UserNumber, hash: UNKNOWN_HASH };

/**
 * Safe beside services and imports: they read on where they were. What was damaged is kept aside; a file that is whole
 * stays as it is. @throws AppError unavailable, storage_failed, invalid_population (the directory is damaged too)
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
  // what was made must be read as it is meant
  new Erasures(folder);
  return { ...facts, aside };
}

/** All records in order, a placeholder for each that is lost. */
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

/** Where the next whole record begins: anywhere, for bytes may have been added or taken away. */
function findNext(bytes: Buffer, from: number): number | null {
  for (let at = from; at + RECORD_BYTES <= bytes.length; at++) if (readRecord(bytes, at) !== null) return at;
  return null;
}

/** Users whose ids are overwritten in the directory, which happens to erased users alone. */
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
