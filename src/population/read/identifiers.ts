/**
 * The identifiers of one type and rule: sorted hashes with user numbers. The file contains the hashes in ascending
 * order, followed by an int32 user number per hash.
 */
import { join } from 'node:path';
import { type HashForm, hashFormOf } from '../../domain/identities.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import type { Manifest } from '../versions/manifest.ts';
import { readCheckedFile } from '../versions/verify.ts';

const USER_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** The bytes of a file of identifiers. */
export interface IdentifierBytes {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** Finds users by their identifiers with one label. A look-up allocates no memory. */
export class IdentifierIndex {
  readonly label: string;
  /** Prefix of user ids with this label. */
  readonly prefix: string;
  /** Number of identifiers. */
  readonly count: number;
  readonly form: HashForm;
  readonly #hashes: Buffer;
  readonly #users: Int32Array;
  readonly #starts: Uint32Array;
  /** The hash being looked up. */
  readonly #wanted: Buffer;
  readonly #idLength: number;
  #chains: Chains | null = null;

  /** `bytes` must begin at a multiple of four in its buffer. */
  constructor({ label, bytes }: IdentifierBytes) {
    this.label = label;
    this.prefix = `${label}:`;
    this.form = hashFormOf(label)!;
    this.count = bytes.length / (this.form.bytes + USER_BYTES);
    const hashBytes = this.count * this.form.bytes;
    this.#hashes = Buffer.from(bytes.buffer, bytes.byteOffset, hashBytes);
    this.#users = new Int32Array(bytes.buffer, bytes.byteOffset + hashBytes, this.count);
    this.#starts = startsOf(this.#hashes, this.form.bytes);
    this.#wanted = Buffer.alloc(this.form.bytes);
    this.#idLength = this.prefix.length + textLength(this.form);
  }

  /** Returns the number of the user with this identifier, which must begin with `prefix`; -1 if there is none. */
  find(userId: string): UserNumber {
    if (userId.length !== this.#idLength) return -1;
    const decode = this.form.encoding === 'hex' ? decodeHex : decodeBase64;
    return decode(userId, this.prefix.length, this.#wanted) ? this.#search() : -1;
  }

  /** Returns the hash of a user's identifier, the lowest if there are several; null if there is none. */
  hashOf(userNumber: UserNumber): string | null {
    const at = this.#firstOf(userNumber);
    return at < 0 ? null : this.#hashAt(at);
  }

  has(userNumber: UserNumber): boolean {
    return this.#firstOf(userNumber) >= 0;
  }

  /** All identifiers of a user, as user ids. */
  idsOf(userNumber: UserNumber): string[] {
    const ids: string[] = [];
    for (let at = this.#firstOf(userNumber); at >= 0; at = this.#chains!.next[at]!)
      ids.push(this.prefix + this.#hashAt(at));
    return ids;
  }

  /** Calls `take` with each hash, in ascending order, and its user's number. `hash` is valid until `take` returns. */
  forEach(take: (hash: Uint8Array, userNumber: UserNumber) => void): void {
    const { bytes } = this.form;
    for (let i = 0; i < this.count; i++) take(this.#hashes.subarray(i * bytes, (i + 1) * bytes), this.#users[i]!);
  }

  #firstOf(userNumber: UserNumber): number {
    this.#chains ??= chain(this.#users);
    return this.#chains.first[userNumber] ?? -1;
  }

  #hashAt(at: number): string {
    const { bytes, encoding } = this.form;
    return this.#hashes.toString(encoding, at * bytes, (at + 1) * bytes);
  }

  /** A binary search among the hashes with the same first two bytes. */
  #search(): UserNumber {
    const prefix = prefixAt(this.#wanted, 0);
    let low = this.#starts[prefix]!;
    let high = this.#starts[prefix + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareHashes(this.#hashes, middle * this.form.bytes, this.#wanted, 0, this.form.bytes);
      if (order === 0) return this.#users[middle]!;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

/** Compares two hashes of `length` bytes. */
export function compareHashes(a: Buffer, atA: number, b: Buffer, atB: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const order = a[atA + i]! - b[atB + i]!;
    if (order !== 0) return order;
  }
  return 0;
}

/** Number of values of the first two bytes of a hash. */
const PREFIXES = 65_536;

function prefixAt(hashes: Buffer, at: number): number {
  return 256 * hashes[at]! + hashes[at + 1]!;
}

/**
 * For each value of the first two bytes, the index of the first hash with these or higher bytes; at the end, the number
 * of hashes.
 */
function startsOf(hashes: Buffer, bytes: number): Uint32Array {
  const starts = new Uint32Array(PREFIXES + 1);
  for (let at = 0; at < hashes.length; at += bytes) starts[prefixAt(hashes, at) + 1]! += 1;
  for (let prefix = 1; prefix <= PREFIXES; prefix++) starts[prefix]! += starts[prefix - 1]!;
  return starts;
}

/** Reads the files of identifiers of a version. @throws AppError invalid_population */
export function readIdentifiers(folder: string, { version, identifiers = [] }: Manifest): IdentifierBytes[] {
  return identifiers.map(({ label, count, ...file }) => {
    const path = join(folder, version, file.path);
    const bytes = readCheckedFile(folder, { ...file, path });
    if (bytes.length === count * (hashFormOf(label)!.bytes + USER_BYTES)) return { label, bytes };
    throw new AppError('invalid_population', `${path} does not have ${count} identifiers`);
  });
}

/**
 * Linked lists: for each user number, the user's first identifier; for each identifier, the same user's next one; or
 * -1.
 */
interface Chains {
  readonly first: Int32Array;
  readonly next: Int32Array;
}

/** Computed on first use, because it takes about 10 ms per million identifiers. */
function chain(users: Int32Array): Chains {
  let most = -1;
  for (const user of users) most = Math.max(most, user);
  const first = new Int32Array(most + 1).fill(-1);
  const next = new Int32Array(users.length);
  for (let i = users.length - 1; i >= 0; i--) {
    next[i] = first[users[i]!]!;
    first[users[i]!] = i;
  }
  return { first, next };
}

function textLength({ bytes, encoding }: HashForm): number {
  return encoding === 'hex' ? 2 * bytes : 4 * Math.ceil(bytes / 3);
}

const BASE64 = valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const HEX = valuesOf('0123456789abcdef');
/** Marks a character that is not a digit. */
const NO_DIGIT = 255;

/** The value of the digit for each character code. */
function valuesOf(digits: string): Uint8Array {
  const values = new Uint8Array(128).fill(255);
  for (let i = 0; i < digits.length; i++) values[digits.charCodeAt(i)] = i;
  return values;
}

/** Decodes the text from a position until `into` is full. Returns false if the text is not in this encoding. */
function decodeHex(text: string, from: number, into: Uint8Array): boolean {
  for (let i = 0; i < into.length; i++) {
    const high = HEX[text.charCodeAt(from + 2 * i)] ?? NO_DIGIT;
    const low = HEX[text.charCodeAt(from + 2 * i + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) return false;
    into[i] = 16 * high + low;
  }
  return true;
}

function decodeBase64(text: string, from: number, into: Uint8Array): boolean {
  let bits = 0;
  let held = 0;
  let at = from;
  for (let i = 0; i < into.length; ) {
    const value = BASE64[text.charCodeAt(at)] ?? NO_DIGIT;
    if (value === NO_DIGIT) return false;
    at += 1;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    into[i] = (bits >> held) & 0xff;
    i += 1;
  }
  for (; at < text.length; at++) if (text[at] !== '=') return false;
  return true;
}
