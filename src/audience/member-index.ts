/** The members of an audience in memory: whether a user is a member, with the rank and score. */
import type { UserNumber } from '../lib/brands.ts';

/** Number of ranks, or of users' scores, read in one step of building: no step takes more than a millisecond. */
const STEP_RANKS = 65_536;
const STEP_USERS = 262_144;
/** Number of words (32 users each) between two running counts of the members. */
const COUNTED_WORDS = 8;

/** An index of the first `size` ranks: 8 bytes per member and 1.125 bits per user. Look-ups read no file. */
export class MemberIndex {
  /** Number of members, at most the number of the ranking's candidates. */
  readonly size: number;
  /** Number of users of the ranking: their numbers are 0 .. userCount - 1. */
  readonly userCount: number;
  /** By 0-based rank. */
  readonly scores: Float32Array;
  /** One bit per user. */
  readonly #bits: Uint32Array;
  /** Number of members before each run of `COUNTED_WORDS` words. */
  readonly #before: Uint32Array;
  /** 1-based ranks of the members, by user number. */
  readonly #ranks: Uint32Array;

  constructor(userCount: number, size: number) {
    const words = Math.ceil(userCount / 32);
    this.size = size;
    this.userCount = userCount;
    this.scores = new Float32Array(size);
    this.#bits = new Uint32Array(words);
    this.#before = new Uint32Array(Math.ceil(words / COUNTED_WORDS));
    this.#ranks = new Uint32Array(size);
  }

  /** 1-based; 0 = not a member. */
  rankOf(userNumber: UserNumber): number {
    return this.has(userNumber) ? this.#ranks[this.#indexOf(userNumber)]! : 0;
  }

  has(userNumber: UserNumber): boolean {
    return (this.#bits[userNumber >>> 5]! & (1 << (userNumber & 31))) !== 0;
  }

  /** Calls `visit` with each member, by user number. */
  forEach(visit: (userNumber: UserNumber) => void): void {
    for (let word = 0; word < this.#bits.length; word++)
      for (let bits = this.#bits[word]!; bits !== 0; bits &= bits - 1) visit(32 * word + 31 - Math.clz32(bits & -bits));
  }

  /** First step: adds members. */
  add(userNumbers: Uint32Array): void {
    for (const user of userNumbers) this.#bits[user >>> 5]! |= 1 << (user & 31);
  }

  /** Second step, after all members were added: counts them. */
  count(): void {
    let members = 0;
    for (let word = 0; word < this.#bits.length; word++) {
      if (word % COUNTED_WORDS === 0) this.#before[word / COUNTED_WORDS] = members;
      members += bitsOf(this.#bits[word]!);
    }
  }

  /** Third step: stores their ranks, from `fromRank` (0-based) on. */
  place(userNumbers: Uint32Array, fromRank: number): void {
    for (let i = 0; i < userNumbers.length; i++) this.#ranks[this.#indexOf(userNumbers[i]!)] = fromRank + i + 1;
  }

  /** Last step: stores the members' scores, from those of all users from `fromUser` (a multiple of 32) on. */
  score(scores: Float32Array, fromUser: number): void {
    let index = this.#indexOf(fromUser);
    for (let user = fromUser; user < fromUser + scores.length; user += 32) {
      for (let bits = this.#bits[user >>> 5]!; bits !== 0; bits &= bits - 1) {
        const member = user + 31 - Math.clz32(bits & -bits);
        this.scores[this.#ranks[index++]! - 1] = scores[member - fromUser]!;
      }
    }
  }

  /** Number of members with a lower user number. */
  #indexOf(userNumber: UserNumber): number {
    const word = userNumber >>> 5;
    const counted = Math.floor(word / COUNTED_WORDS);
    let members = this.#before[counted]! + bitsOf(this.#bits[word]! & ((1 << (userNumber & 31)) - 1));
    for (let i = counted * COUNTED_WORDS; i < word; i++) members += bitsOf(this.#bits[i]!);
    return members;
  }
}

/** Size in bytes of the index of an audience, with its column of a `HolderMatrix`. */
export function memberIndexBytes(userCount: number, size: number): number {
  const words = Math.ceil(userCount / 32);
  return 8 * size + 8 * words + 4 * Math.ceil(words / COUNTED_WORDS);
}

/** The part of `Ranking` that an index is built from. */
export interface IndexedRanking {
  /** Number of users in the ranking. */
  readonly candidates: number;
  /** Number of users, scored or not: numbers 0 .. userCount - 1. */
  readonly userCount: number;
  /** The users of ranks fromRank + 1 .. fromRank + count (`fromRank` is 0-based); fewer at the end of the ranking. */
  usersAt(fromRank: number, count: number): Uint32Array;
  /** The scores of the user numbers from `fromUser` on, at most `count`; none past the last user. */
  scoresFrom(fromUser: number, count: number): Float32Array;
}

/** Builds the index of the first `size` ranks, a step at a time. @throws AppError storage_failed */
export function* buildMemberIndex(ranking: IndexedRanking, size: number): Generator<void, MemberIndex> {
  const held = Math.min(size, ranking.candidates);
  const index = new MemberIndex(ranking.userCount, held);
  for (let rank = 0; rank < held; rank += STEP_RANKS) {
    index.add(ranking.usersAt(rank, Math.min(STEP_RANKS, held - rank)));
    yield;
  }
  index.count();
  for (let rank = 0; rank < held; rank += STEP_RANKS) {
    index.place(ranking.usersAt(rank, Math.min(STEP_RANKS, held - rank)), rank);
    yield;
  }
  for (let user = 0; user < ranking.userCount; user += STEP_USERS) {
    index.score(ranking.scoresFrom(user, STEP_USERS), user);
    yield;
  }
  return index;
}

/** The number of bits set in a word. */
function bitsOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
