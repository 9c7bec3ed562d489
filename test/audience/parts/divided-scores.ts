/** Scores of users that are divided over parts, for tests of parts. */
import fc from 'fast-check';
import type { Candidates } from '../../../src/audience/parts/write-part.ts';

export interface Divided {
  /** Scores by user number; NaN for users who are not candidates. */
  readonly scores: Float32Array;
  /** The part of each user. */
  readonly partOf: ArrayLike<number>;
  readonly parts: number;
  /** Users who were erased after their part was written. */
  readonly erased: readonly number[];
}

export const NOBODY: readonly number[] = [];

/** Any float with many ties, among them 0 and -0, and users who are not candidates. */
export const anyScore = fc.oneof(fc.float(), fc.float({ min: 0, max: 1, noNaN: true }), {
  weight: 2,
  arbitrary: fc.constantFrom(Number.NaN, 0, -0, 1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
});

/**
 * Up to `most` users in up to six parts, which may be empty. The user numbers of a part are consecutive, as after an
 * import, or mixed with those of others, as after updates; gaps between users may span several buckets.
 */
export function divided(score: fc.Arbitrary<number>, most: number): fc.Arbitrary<Divided> {
  return fc
    .record({
      users: fc.array(fc.record({ score, part: fc.nat(5), isErased: fc.nat(9) }), { maxLength: most }),
      gap: fc.constantFrom(1, 1, 700),
      isMixed: fc.boolean(),
    })
    .map(({ users, gap, isMixed }) => {
      const sorted = isMixed ? users : [...users].sort((a, b) => a.part - b.part);
      const scores = new Float32Array(users.length * gap).fill(Number.NaN);
      const partOf = new Uint8Array(scores.length);
      for (const [i, user] of sorted.entries()) {
        // JavaScript has one NaN, but a float may have others
        scores[i * gap] = Number.isNaN(user.score) ? Number.NaN : user.score;
        partOf[i * gap] = user.part;
      }
      const erased = sorted.flatMap(({ isErased }, i) => (isErased === 0 ? [i * gap] : []));
      return { scores, partOf, parts: 6, erased };
    });
}

/** The candidates of each part, in an order that is not that of their numbers. */
export function partsOf({ scores, partOf, parts }: Divided): Candidates[] {
  return Array.from({ length: parts }, (_, part) => {
    const users = [...scores.keys()].filter((user) => partOf[user] === part && !Number.isNaN(scores[user]!));
    const mixed = [...users.filter((_, i) => i % 2 === 1).reverse(), ...users.filter((_, i) => i % 2 === 0)];
    return {
      userNumbers: Uint32Array.from(mixed),
      scores: Float32Array.from(mixed, (user) => scores[user]!),
    };
  });
}

export function withoutUsers(scores: Float32Array, erased: readonly number[]): Float32Array {
  const left = scores.slice();
  for (const user of erased) left[user] = Number.NaN;
  return left;
}

export function erasedOf(numbers: readonly number[]) {
  const set = new Set(numbers);
  return { numbers, has: (user: number) => set.has(user) };
}
