/** Leaves erased users out of an import, including users who are erased during the import. */
import type { UserNumber } from '../../lib/brands.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { appendErasures } from '../erase/erase-users.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import type { Erasures } from '../erase/erasures.ts';

/** Number of hex digits for 4 bytes. */
const PREFIX_DIGITS = 8;

export class ImportErasures {
  readonly #folder: string;
  readonly #erasures: Erasures;
  /** The table that the import adds to, and the number of its published strings. */
  readonly #directory: TextTable;
  readonly #published: number;
  readonly #isReadmitting: boolean;
  /** Number of erasure records when the import began. */
  readonly #before: number;
  #rows = 0;
  /** Number of erasure records that have been compared with the new users. */
  #seen: number;
  #prefixes: Uint32Array | null = null;
  readonly #redacted: ErasedRecord[] = [];

  /**
   * `directory` is the table that the import adds to. With `isReadmitting`, erased users who occur in the import are
   * readmitted as new users.
   */
  constructor(folder: string, erasures: Erasures, directory: TextTable, isReadmitting: boolean) {
    this.#folder = folder;
    this.#erasures = erasures;
    this.#directory = directory;
    this.#published = directory.count;
    this.#isReadmitting = isReadmitting;
    this.#before = erasures.count;
    this.#seen = erasures.count;
  }

  /** Whether there are erased users to leave out. */
  get isNeeded(): boolean {
    return this.#before > 0 && !this.#isReadmitting;
  }

  /** Numbers of the users who were erased before the import began. */
  get numbers(): Iterable<UserNumber> {
    return this.#erasures.numbers;
  }

  /** Number of rows left out so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Whether this user must be left out. Call this before the id and the tokens are added to the tables. */
  has(userId: string): boolean {
    if (!this.isNeeded) return false;
    const known = this.#directory.find(userId);
    // an erased id that has a number was readmitted, so its new number decides
    return known >= 0 ? this.#erasures.has(known) : this.#erasures.hasId(userId);
  }

  /** Records for new users who were erased while the import ran, and whose ids `redactNewUsers` has overwritten. */
  get late(): readonly ErasedRecord[] {
    return this.#redacted;
  }

  /** Counts rows that were left out. */
  count(rows: number): void {
    this.#rows += rows;
  }

  /**
   * In the table, overwrites the ids of new users who were erased while the import ran, so that these ids are never
   * written to disk.
   */
  redactNewUsers(): void {
    for (const { userNumber } of this.#findLate()) this.#directory.redact(userNumber);
  }

  /**
   * Whether new users were erased since `redactNewUsers`. The erasure lock is held during the call, so if the check
   * would take long, the result is true without a check.
   */
  hasLateUsers(): boolean {
    this.#erasures.refresh();
    const late = this.#unknownSince(this.#seen);
    if (late.size > 0 && this.#prefixes === null) return true;
    const found = this.#matches(late);
    if (found.length === 0) this.#seen = this.#erasures.count;
    return found.length > 0;
  }

  /**
   * Records the numbers of new users who were erased while the import ran. Call this under the lock after the version
   * is published, because until then, another import could assign the numbers to other users.
   */
  recordNewUsers(): void {
    appendErasures(this.#folder, this.#redacted, this.#erasures);
  }

  /** Erasure records of new users that were added since the last call. */
  #findLate(): readonly ErasedRecord[] {
    this.#erasures.refresh();
    const found = this.#matches(this.#unknownSince(this.#seen));
    this.#seen = this.#erasures.count;
    this.#redacted.push(...found);
    return found;
  }

  /** Hashes of ids that had no number when they were erased, keyed by their first bytes. */
  #unknownSince(record: number): Map<number, Set<string>> {
    const hashes = new Map<number, Set<string>>();
    for (const { userNumber, hash } of this.#erasures.since(record)) {
      if (userNumber >= 0) continue;
      const prefix = prefixOf(hash);
      hashes.set(prefix, (hashes.get(prefix) ?? new Set()).add(hash));
    }
    return hashes;
  }

  #matches(hashes: ReadonlyMap<number, ReadonlySet<string>>): ErasedRecord[] {
    const found: ErasedRecord[] = [];
    if (hashes.size === 0) return found;
    const prefixes = this.#hashNewUsers();
    for (let i = 0; i < prefixes.length; i++) {
      const wanted = hashes.get(prefixes[i]!);
      const userNumber = this.#published + i;
      if (wanted === undefined || this.#directory.isRedacted(userNumber)) continue;
      const hash = this.#erasures.hashOf(this.#directory.text(userNumber));
      if (wanted.has(hash)) found.push({ userNumber, hash });
    }
    return found;
  }

  /**
   * For each new user, the first bytes of the id's hash. Each hash is computed only once because hashing takes 2 us.
   */
  #hashNewUsers(): Uint32Array {
    if (this.#prefixes !== null) return this.#prefixes;
    const prefixes = new Uint32Array(this.#directory.count - this.#published);
    for (let i = 0; i < prefixes.length; i++)
      prefixes[i] = prefixOf(this.#erasures.hashOf(this.#directory.text(this.#published + i)));
    this.#prefixes = prefixes;
    return prefixes;
  }
}

function prefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, PREFIX_DIGITS), 16);
}
