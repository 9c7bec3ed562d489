/**
 * Tells which of many audiences contain a user: one bit per audience, 32 to a word, with the words of all users in one
 * array. A look-up takes one cache miss for every 32 audiences; with separate indexes it would take one for each
 * audience.
 */
import type { UserNumber } from '../lib/brands.ts';
import type { MemberIndex } from './member-index.ts';

const WORD_BITS = 32;

export class HolderMatrix {
  /** One array for every 32 columns, by user number. */
  readonly #words: Uint32Array[] = [];
  /** The members of each column; null = a free column. */
  readonly #members: (MemberIndex | null)[] = [];
  readonly #columns = new Map<MemberIndex, number>();
  /** The columns of the last look-up; the array is as long as the number of columns. */
  #found = new Int32Array(0);

  /** Number of columns, including free ones. */
  get width(): number {
    return this.#members.length;
  }

  /** The column of an index that was passed to the last call of `hold`. */
  columnOf(members: MemberIndex): number | undefined {
    return this.#columns.get(members);
  }

  /**
   * Replaces the columns by those of `all`. Each column that is added or removed takes time in proportion to its
   * members.
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

  /** The columns that contain the user. */
  find(userNumber: UserNumber): Int32Array {
    let count = 0;
    for (let group = 0; group < this.#words.length; group++) {
      // the word is undefined for a user who is newer than all audiences of the group
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
