/** What an import does about erased users: leaves them out, also those who are erased while it runs. */
import type { UserNumber } from '../lib/brands.ts';
import { appendErasures } from './erase-users.ts';
import type { ErasedRecord, Erasures } from './erasures.ts';
import type { TextTable } from './text-table.ts';

export class ImportErasures {
  readonly #folder: string;
  readonly #erasures: Erasures;
  /** The table that the import adds to, and how many texts of it are published. */
  readonly #directory: TextTable;
  readonly #published: number;
  readonly #isReadmitting: boolean;
  /** Records when the import began. */
  readonly #before: number;
  #rows = 0;
  #redacted: readonly ErasedRecord[] = [];

  /** `isReadmitting`: erased users who are in the import again are let in, as new users. */
  constructor(folder: string, erasures: Erasures, directory: TextTable, isReadmitting: boolean) {
    this.#folder = folder;
    this.#erasures = erasures;
    this.#directory = directory;
    this.#published = directory.count;
    this.#isReadmitting = isReadmitting;
    this.#before = erasures.count;
  }

  /** Whether there are users who must be left out. */
  get isNeeded(): boolean {
    return this.#before > 0 && !this.#isReadmitting;
  }

  /** Numbers of the users erased until the import began. */
  get numbers(): Iterable<UserNumber> {
    return this.#erasures.numbers;
  }

  /** Rows left out so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Whether this user must be left out: asked before the id and its tokens are added to the tables. */
  has(userId: string): boolean {
    if (!this.isNeeded) return false;
    const known = this.#directory.find(userId);
    // an id that is erased and has a number all the same was let in again
    return known >= 0 ? this.#erasures.has(known) : this.#erasures.hasId(userId);
  }

  /** Counts rows that were left out. */
  count(rows: number): void {
    this.#rows += rows;
  }

  /**
   * Overwrites, in the table, the ids of new users that were erased while the import ran, when they had no number yet:
   * they are never written. Under the lock of erasures, before the table is.
   */
  redactNewUsers(): void {
    this.#erasures.refresh();
    const since = this.#erasures.since(this.#before).filter(({ userNumber }) => userNumber < 0);
    if (since.length === 0) return;
    const hashes = new Set(since.map(({ hash }) => hash));
    const found: ErasedRecord[] = [];
    for (let userNumber = this.#published; userNumber < this.#directory.count; userNumber++) {
      const hash = this.#erasures.hashOf(this.#directory.text(userNumber));
      if (hashes.has(hash)) found.push({ userNumber, hash });
    }
    for (const { userNumber } of found) this.#directory.redact(userNumber);
    this.#redacted = found;
  }

  /**
   * Records their numbers, under the same lock, once the version is published: before that, another import would give
   * the numbers to others.
   */
  recordNewUsers(): void {
    appendErasures(this.#folder, this.#redacted, this.#erasures);
  }
}
