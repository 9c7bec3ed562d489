/**
 * Finds the audiences that contain a user. Each user has one bit per audience. A user's bits for 32 audiences form a
 * word, and an array contains one such word for each user. A look-up causes one cache miss for every 32 audiences,
 * whereas separate indexes would cause one cache miss per audience.
 */
import type { UserNumber } from '../lib/brands.ts';
import type { MemberIndex } from './member-index.ts';

const WORD_BITS = 32;

export class HolderMatrix {
  /** For each group of 32 columns, an array of words indexed by user number. */
  readonly #words: Uint32Array[] = [];
  /** The member index of the audience in each column; null for a free column. */
  readonly #members: (MemberIndex | null)[] = [];
  readonly #columns = new Map<MemberIndex, number>();
  /** A buffer for the result of a look-up, with at least one element per column. */
  #found = new Int32Array(0);

  /** Number of columns, including free columns. */
  get width(): number {
    return this.#members.length;
  }

  /** Returns the column of an index that was passed to the last call to `hold`. */
  columnOf(members: MemberIndex): number | undefined {
    return this.#columns.get(members);
  }

  /**
   * Adds and removes columns so that exactly the indexes in `all` have a column. Adding or removing a column takes time
   * proportional to the number of its members.
   */
  hold(all: ReadonlySet<MemberIndex>): void {
    for (const [members, column] of this.#columns) {
      if (all.has(members)) continue;
      const words = this.#words[Math.floor(column / WORD_BITS)]!;
      const others = ~(1 << (column % WORD_BITS));
      members.forEach((user) => {
        words[user]! &= others;
      });
      this.#members[column] = null;
      this.#columns.delete(members);
    }
    for (const members of all) if (!this.#columns.has(members)) this.#add(members);
  }

  /** Returns the columns of the audiences that contain the user. */
  find(userNumber: UserNumber): Int32Array {
    let count = 0;
    for (let group = 0; group < this.#words.length; group++) {
      // the word is undefined for a user who is newer than all audiences in the group
      for (let bits = this.#words[group]![userNumber]! | 0; bits !== 0; bits &= bits - 1)
        this.#found[count++] = WORD_BITS * group + 31 - Math.clz32(bits & -bits);
    }
    return this.#found.slice(0, count);
  }

  #add(members: MemberIndex): void {
    const free = this.#members.indexOf(null);
    const column = free < 0 ? this.#members.length : free;
    const group = Math.floor(column / WORD_BITS);
    const before = this.#words[group];
    let words = before ?? new Uint32Array(members.userCount);
    if (words.length < members.userCount) {
      words = new Uint32Array(members.userCount);
      words.set(before!);
    }
    this.#words[group] = words;
    const bit = 1 << (column % WORD_BITS);
    members.forEach((user) => {
      words[user]! |= bit;
    });
    this.#members[column] = members;
    if (this.#found.length < this.width) this.#found = new Int32Array(2 * this.width);
    this.#columns.set(members, column);
  }
}
