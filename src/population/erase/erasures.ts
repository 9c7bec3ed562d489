/**
 * The erased users of a population folder: user numbers to hide, and keyed hashes, by which an import recognises erased
 * ids. The file contains no ids.
 */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { RowSet } from '../read/row-set.ts';
import { readRange } from '../versions/files.ts';
import { correctRecord, type ErasedRecord, HASH_BYTES, RECORD_BYTES, readRecord } from './erased-records.ts';

export const ERASED_FILE = 'erased.bin';
export const ERASED_KEY_FILE = 'erased.key';
export const KEY_BYTES = 32;

/** The erasure data that readers of a population need. */
export interface ErasedUsers {
  has(userNumber: UserNumber): boolean;
}

/**
 * The erasure records of a folder at the time of the last `refresh`. Records are only added, so erased users stay
 * erased. Errors: AppError `invalid_population` if the file was altered or its key is missing.
 */
export class Erasures implements ErasedUsers {
  readonly #folder: string;
  readonly #numbers = new RowSet();
  #count = 0;
  /** Hashes of all records; null until they are first needed. */
  #hashes: Set<string> | null = null;
  #key: Buffer | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.refresh();
  }

  /** Number of records. This number grows with every erasure, so it identifies a state of the erasures. */
  get count(): number {
    return this.#count;
  }

  /** User numbers of the erased users, in ascending order. */
  get numbers(): Iterable<UserNumber> {
    return this.#numbers;
  }

  has(userNumber: UserNumber): boolean {
    return this.#numbers.has(userNumber);
  }

  /**
   * Reads records that other processes have added, and returns whether there were new records. Without new records, a
   * call costs one `stat`.
   */
  refresh(): boolean {
    // a restored file has fewer records, so it is read again; erased users stay erased
    if (this.#recordsOnDisk() < this.#count) this.#count = 0;
    const records = this.#read(this.#count);
    this.add(records);
    return records.length > 0;
  }

  /** Reads the records from index `from` on. */
  since(from: number): readonly ErasedRecord[] {
    return this.#read(from);
  }

  /** Adds records that the caller has already written to the file. */
  add(records: readonly ErasedRecord[]): void {
    for (const { userNumber, hash } of records) {
      if (userNumber >= 0) this.#numbers.add(userNumber);
      this.#hashes?.add(hash);
    }
    this.#count += records.length;
  }

  /** Whether this id was ever erased. */
  hasId(userId: string): boolean {
    if (this.#count === 0) return false;
    this.#hashes ??= new Set(this.#read(0).map(({ hash }) => hash));
    return this.#hashes.has(this.hashOf(userId));
  }

  /** HMAC-SHA256 under the folder's key, truncated to 16 bytes, as hex. */
  hashOf(userId: string): string {
    this.#key ??= readKey(this.#folder);
    return createHmac('sha256', this.#key)
      .update(userId)
      .digest('hex')
      .slice(0, 2 * HASH_BYTES);
  }

  #recordsOnDisk(): number {
    const size = statSync(join(this.#folder, ERASED_FILE), { throwIfNoEntry: false })?.size ?? 0;
    return Math.floor(size / RECORD_BYTES);
  }

  #read(from: number): ErasedRecord[] {
    const path = join(this.#folder, ERASED_FILE);
    const records = this.#recordsOnDisk();
    return records <= from
      ? []
      : decodeRecords(readRange(path, from * RECORD_BYTES, records * RECORD_BYTES), this.#folder);
  }
}

/**
 * Decodes the complete records. An incomplete record at the end, left by a power cut, is ignored. A last record in
 * which a single bit has changed is damaged, not incomplete, and causes an error. @throws AppError invalid_population
 */
function decodeRecords(bytes: Buffer, folder: string): ErasedRecord[] {
  const records: ErasedRecord[] = [];
  const end = bytes.length - (bytes.length % RECORD_BYTES);
  for (let at = 0; at < end; at += RECORD_BYTES) {
    const record = readRecord(bytes, at);
    if (record === null) {
      if (correctRecord(bytes, at) !== null || isAnyWhole(bytes, at + RECORD_BYTES, end)) throw damaged(folder);
      break;
    }
    records.push(record);
  }
  return records;
}

function isAnyWhole(bytes: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at += RECORD_BYTES) if (readRecord(bytes, at) !== null) return true;
  return false;
}

function damaged(folder: string): AppError {
  const path = join(folder, ERASED_FILE);
  return new AppError(
    'invalid_population',
    `${path} was altered, so not all erased users are known: run metaheac population repair ${folder}`,
  );
}

function readKey(folder: string): Buffer {
  const path = join(folder, ERASED_KEY_FILE);
  let key: Buffer;
  try {
    key = readFileSync(path);
  } catch (error) {
    const message = `${path} can't be read, and without this file erased users are unknown: ${messageOf(error)}`;
    throw new AppError('invalid_population', message, { cause: error });
  }
  if (key.length !== KEY_BYTES) throw new AppError('invalid_population', `${path} is not a key of ${KEY_BYTES} bytes`);
  return key;
}

/** The reason why the folder's key cannot be used; null if the key is usable or there are no erasures. */
export function findKeyFault(folder: string): string | null {
  try {
    readKey(folder);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether the folder has a key. */
export function hasKey(folder: string): boolean {
  return existsSync(join(folder, ERASED_KEY_FILE));
}
