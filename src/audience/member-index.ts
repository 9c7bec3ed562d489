/**
 * An in-memory index of the members of an audience. It tells whether a user is a member, and returns the member's rank
 * and score.
 */
import type { HoldOut, Treated } from '../domain/hold-out.ts';
import { type PartMissing, readingParts } from '../domain/ports/blobs.ts';
import type { UserNumber } from '../lib/brands.ts';

/** Number of ranks read in one step of building an index. No step takes more than a millisecond. */
const STEP_RANKS = 65_536;
const STEP_USERS = 262_144;
/** The same if users are held out, because the arm of each member is computed. */
const HASHED_STEP_USERS = 8_192;
/** This bit of a rank marks a held-out member. */
const HELD_OUT = 2 ** 31;
/** Number of words (32 users each) between two running counts of members. */
const COUNTED_WORDS = 8;

/**
 * An index of the first `size` ranks of a ranking, including who is held out. It takes 8 bytes per member and 1.125
 * bits per user. Look-ups read no file.
 */
export class MemberIndex {
  /** Number of members, which is at most the number of candidates in the ranking. */
  readonly size: number;
  /** Number of users in the ranking. Their user numbers are 0 to userCount - 1. */
  readonly userCount: number;
  /** The scores of the members, by 0-based rank. */
  readonly scores: Float32Array;
  readonly #bits: Uint32Array;
  /** The number of members before each group of `COUNTED_WORDS` words. */
  readonly #before: Uint32Array;
  /** The 1-based ranks of the members by user number. `HELD_OUT` is set for held-out members. */
  readonly #ranks: Uint32Array;
  readonly #holdout: HoldOut | null;

  constructor(userCount: number, size: number, holdout: HoldOut | null = null) {
    const words = Math.ceil(userCount / 32);
    this.size = size;
    this.#holdout = holdout;
    this.userCount = userCount;
    this.scores = new Float32Array(size);
    this.#bits = new Uint32Array(words);
    this.#before = new Uint32Array(Math.ceil(words / COUNTED_WORDS));
    this.#ranks = new Uint32Array(size);
  }

  /** Whether the index belongs to an audience of this size in which the same users are held out. */
  isOf(size: number, holdout: HoldOut | null): boolean {
    return this.size === size && this.#holdout?.percent === holdout?.percent;
  }

  /** Returns the 1-based rank of a user; 0 if the user is not a member or is held out. */
  rankOf(userNumber: UserNumber): number {
    const rank = this.has(userNumber) ? this.#ranks[this.#indexOf(userNumber)]! : 0;
    return rank < HELD_OUT ? rank : 0;
  }

  /** Whether the user is a member, held out or not. */
  has(userNumber: UserNumber): boolean {
    return (this.#bits[userNumber >>> 5]! & (1 << (userNumber & 31))) !== 0;
  }

  /** Calls `visit` with each member who is not held out, in order of user number. */
  forEach(visit: (userNumber: UserNumber) => void): void {
    let index = 0;
    for (let word = 0; word < this.#bits.length; word++)
      for (let bits = this.#bits[word]!; bits !== 0; bits &= bits - 1)
        if (this.#ranks[index++]! < HELD_OUT) visit(32 * word + 31 - Math.clz32(bits & -bits));
  }

  /** The first step of building the index: adds members. */
  add(userNumbers: Uint32Array): void {
    for (const user of userNumbers) this.#bits[user >>> 5]! |= 1 << (user & 31);
  }

  /** The second step of building the index, after all members have been added: counts the members. */
  count(): void {
    let members = 0;
    for (let word = 0; word < this.#bits.length; word++) {
      if (word % COUNTED_WORDS === 0) this.#before[word / COUNTED_WORDS] = members;
      members += bitsOf(this.#bits[word]!);
    }
  }

  /** The third step of building the index: stores the ranks of members, starting at the 0-based rank `fromRank`. */
  place(userNumbers: Uint32Array, fromRank: number): void {
    for (let i = 0; i < userNumbers.length; i++) this.#ranks[this.#indexOf(userNumbers[i]!)] = fromRank + i + 1;
  }

  /**
   * The last step of building the index: stores the members' scores and marks held-out members. `scores` contains the
   * scores of all users from `fromUser`, which is a multiple of 32.
   */
  score(scores: Float32Array, fromUser: number): void {
    let index = this.#indexOf(fromUser);
    for (let user = fromUser; user < fromUser + scores.length; user += 32) {
      for (let bits = this.#bits[user >>> 5]!; bits !== 0; bits &= bits - 1) {
        const member = user + 31 - Math.clz32(bits & -bits);
        this.scores[this.#ranks[index]! - 1] = scores[member - fromUser]!;
        if (this.#holdout?.has(member)) this.#ranks[index]! += HELD_OUT;
        index++;
      }
    }
  }

  /** Returns the number of members with a lower user number. */
  #indexOf(userNumber: UserNumber): number {
    const word = userNumber >>> 5;
    const counted = Math.floor(word / COUNTED_WORDS);
    let members = this.#before[counted]! + bitsOf(this.#bits[word]! & ((1 << (userNumber & 31)) - 1));
    for (let i = counted * COUNTED_WORDS; i < word; i++) members += bitsOf(this.#bits[i]!);
    return members;
  }
}

/** Returns the size of an audience's index in bytes, including the audience's column in a `HolderMatrix`. */
export function memberIndexBytes(userCount: number, size: number): number {
  const words = Math.ceil(userCount / 32);
  return 8 * size + 8 * words + 4 * Math.ceil(words / COUNTED_WORDS);
}

/** The part of `Ranking` that is needed to build an index. */
export interface IndexedRanking {
  /** Number of candidates in the ranking. */
  readonly candidates: number;
  /** Number of users, whether or not they have a score. Their user numbers are 0 to userCount - 1. */
  readonly userCount: number;
  /**
   * Returns the user numbers of up to `count` consecutive ranks, starting at the 0-based rank `fromRank`. Returns fewer
   * at the end of the ranking.
   */
  usersAt(fromRank: number, count: number): Uint32Array;
  /**
   * Returns the scores of up to `count` consecutive users, starting at user number `fromUser`. Returns fewer if the
   * last user is reached.
   */
  scoresFrom(fromUser: number, count: number): Float32Array;
}

/**
 * Builds an index of an audience step by step. If a step needs part of a file that is not on this machine, it yields
 * that part, and the caller must fetch it before the next step.
 * @throws AppError storage_failed
 */
export function* buildMemberIndex(
  ranking: IndexedRanking,
  { size, holdout }: Treated,
): Generator<PartMissing | undefined, MemberIndex, void> {
  const held = Math.min(size, ranking.candidates);
  const index = new MemberIndex(ranking.userCount, held, holdout);
  const stepUsers = holdout === null ? STEP_USERS : HASHED_STEP_USERS;
  for (let rank = 0; rank < held; rank += STEP_RANKS) {
    index.add(yield* readingParts(() => ranking.usersAt(rank, Math.min(STEP_RANKS, held - rank))));
    yield undefined;
  }
  index.count();
  for (let rank = 0; rank < held; rank += STEP_RANKS) {
    index.place(yield* readingParts(() => ranking.usersAt(rank, Math.min(STEP_RANKS, held - rank))), rank);
    yield undefined;
  }
  for (let user = 0; user < ranking.userCount; user += stepUsers) {
    index.score(yield* readingParts(() => ranking.scoresFrom(user, stepUsers)), user);
    yield undefined;
  }
  return index;
}

/** Returns the number of set bits in a word. */
function bitsOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
