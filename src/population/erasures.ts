/**
 * The erased users of a population folder: numbers that nobody may see again, and keyed hashes of their ids, by which
 * an import knows them. The file holds no id.
 */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { UserNumber } from '../lib/brands.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { readRange } from './files.ts';
import { RowSet } from './row-set.ts';

export const ERASED_FILE = 'erased.bin';
export const ERASED_KEY_FILE = 'erased.key';
export const KEY_BYTES = 32;

/** A record: user number (int32, -1 where the id never had one), the hash, crc32 of both. */
const HASH_BYTES = 16;
export const RECORD_BYTES = 4 + HASH_BYTES + 4;

export interface ErasedRecord {
  /** -1: the population never knew the id. */
  readonly userNumber: UserNumber;
  /** Hex. */
  readonly hash: string;
}

/** What readers of a population ask. */
export interface ErasedUsers {
  has(userNumber: UserNumber): boolean;
}

/**
 * The records of a folder, as far as `refresh` has read them. Records are only ever added, so what was erased stays so.
 * Errors: AppError `invalid_population` where the file was altered, or its key is missing.
 */
export class Erasures implements ErasedUsers {
  readonly #folder: string;
  readonly #numbers = new RowSet();
  #count = 0;
  /** Of all records read; null until one is asked for. */
  #hashes: Set<string> | null = null;
  #key: Buffer | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.refresh();
  }

  /** Records so far: grows with every erasure, and names a state of them. */
  get count(): number {
    return this.#count;
  }

  /** Numbers of erased users, ascending. */
  get numbers(): Iterable<UserNumber> {
    return this.#numbers;
  }

  has(userNumber: UserNumber): boolean {
    return this.#numbers.has(userNumber);
  }

  /** Reads what other processes have added; a `stat` where that is nothing. Whether there was anything. */
  refresh(): boolean {
    const records = this.#read(this.#count);
    this.add(records);
    return records.length > 0;
  }

  /** The records from number `from` on, read anew. */
  since(from: number): readonly ErasedRecord[] {
    return this.#read(from);
  }

  /** Takes records that the caller has written. */
  add(records: readonly ErasedRecord[]): void {
    for (const { userNumber, hash } of records) {
      if (userNumber >= 0) this.#numbers.add(userNumber);
      this.#hashes?.add(hash);
    }
    this.#count += records.length;
  }

  /** Whether this id was erased at some time. */
  hasId(userId: string): boolean {
    if (this.#count === 0) return false;
    this.#hashes ??= new Set(this.#read(0).map(({ hash }) => hash));
    return this.#hashes.has(this.hashOf(userId));
  }

  /** HMAC-SHA256 with the folder's key, of which 16 bytes are kept, as hex. */
  hashOf(userId: string): string {
    this.#key ??= readKey(this.#folder);
    return createHmac('sha256', this.#key)
      .update(userId)
      .digest('hex')
      .slice(0, 2 * HASH_BYTES);
  }

  #read(from: number): ErasedRecord[] {
    const path = join(this.#folder, ERASED_FILE);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const records = Math.floor(size / RECORD_BYTES);
    return records <= from ? [] : decodeRecords(readRange(path, from * RECORD_BYTES, records * RECORD_BYTES), path);
  }
}

/** Records as they lie in the file. */
export function encodeRecords(records: readonly ErasedRecord[]): Uint8Array {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES);
  for (const [i, { userNumber, hash }] of records.entries()) {
    const at = i * RECORD_BYTES;
    bytes.writeInt32LE(userNumber, at);
    bytes.write(hash, at + 4, 'hex');
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 4 + HASH_BYTES)), at + 4 + HASH_BYTES);
  }
  return bytes;
}

/** Whole records; what a power cut tore at the end is left out. @throws AppError invalid_population */
function decodeRecords(bytes: Buffer, path: string): ErasedRecord[] {
  const records: ErasedRecord[] = [];
  const end = bytes.length - (bytes.length % RECORD_BYTES);
  for (let at = 0; at < end; at += RECORD_BYTES) {
    if (isWhole(bytes, at)) {
      const hash = bytes.toString('hex', at + 4, at + 4 + HASH_BYTES);
      records.push({ userNumber: bytes.readInt32LE(at), hash });
      continue;
    }
    for (let later = at + RECORD_BYTES; later < end; later += RECORD_BYTES)
      if (isWhole(bytes, later)) throw new AppError('invalid_population', `${path} was altered: restore it`);
    break;
  }
  return records;
}

function isWhole(bytes: Buffer, at: number): boolean {
  return crc32(bytes.subarray(at, at + 4 + HASH_BYTES)) === bytes.readUInt32LE(at + 4 + HASH_BYTES);
}

function readKey(folder: string): Buffer {
  const path = join(folder, ERASED_KEY_FILE);
  let key: Buffer;
  try {
    key = readFileSync(path);
  } catch (error) {
    const message = `${path} can't be read, and without it erased users are not known: ${messageOf(error)}`;
    throw new AppError('invalid_population', message, { cause: error });
  }
  if (key.length !== KEY_BYTES) throw new AppError('invalid_population', `${path} is not a key of ${KEY_BYTES} bytes`);
  return key;
}

/** Whether the folder has a key yet. */
export function hasKey(folder: string): boolean {
  return existsSync(join(folder, ERASED_KEY_FILE));
}
