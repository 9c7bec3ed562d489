/** Compares rankings by how many hidden members of a campaign they find at several audience sizes. */

/** Labels by user number: 1 if the user likes the campaign, 0 if not, -1 if unknown. */
export type Truth = Int8Array;

/** Statistics of the best `size` users of a ranking. */
export interface Found {
  readonly size: number;
  /** Number of top-ranked users who like the campaign. */
  readonly hits: number;
  /** Recall: the hits divided by the total number of users who like the campaign. */
  readonly recall: number;
  /**
   * Lift: the share of the audience that likes the campaign, divided by the share of the population that likes the
   * campaign. Only users with known labels count. A random audience has a lift of 1. NaN if no label is known.
   */
  readonly lift: number;
}

export interface Method {
  readonly name: string;
  /** User numbers, best first. The ranking must have at least as many users as the largest size. */
  readonly ranking: Int32Array;
}

/** Collects labels from rows. A user with several rows likes the campaign if any row says so. */
export function readTruth(users: Int32Array, labels: Uint8Array, directorySize: number): Truth {
  const truth = new Int8Array(directorySize).fill(-1);
  for (let i = 0; i < users.length; i++) truth[users[i]!] = Math.max(truth[users[i]!]!, labels[i]!);
  return truth;
}

/** Sorts candidates in the order of an audience: by descending score, then by ascending user number. */
export function rank(candidates: Int32Array, scores: Float64Array): Int32Array {
  const order = Uint32Array.from(candidates.keys());
  order.sort((a, b) => {
    const [x, y] = [scores[a]!, scores[b]!];
    return x === y ? candidates[a]! - candidates[b]! : x > y ? -1 : 1;
  });
  return Int32Array.from(order, (i) => candidates[i]!);
}

/** Counts the hits of a ranking at each size. */
export function measure({ ranking }: Method, truth: Truth, sizes: readonly number[]): Found[] {
  let likers = 0;
  let known = 0;
  for (const label of truth) {
    if (label === 1) likers += 1;
    if (label >= 0) known += 1;
  }
  return sizes.map((size) => {
    let hits = 0;
    let told = 0;
    for (let i = 0; i < size; i++) {
      const label = truth[ranking[i]!]!;
      if (label === 1) hits += 1;
      if (label >= 0) told += 1;
    }
    return { size, hits, recall: hits / likers, lift: hits / told / (likers / known) };
  });
}

/**
 * The difference between two methods at an audience size. `chance` is two standard errors of the difference (McNemar:
 * only users found by exactly one method count).
 */
export function compareHits(
  a: Method,
  b: Method,
  truth: Truth,
  size: number,
): { readonly difference: number; readonly chance: number } {
  const hitsOf = ({ ranking }: Method) => new Set(ranking.subarray(0, size).filter((user) => truth[user] === 1));
  const [ofA, ofB] = [hitsOf(a), hitsOf(b)];
  let both = 0;
  for (const user of ofA) if (ofB.has(user)) both += 1;
  return { difference: ofA.size - ofB.size, chance: 2 * Math.sqrt(ofA.size + ofB.size - 2 * both) };
}
