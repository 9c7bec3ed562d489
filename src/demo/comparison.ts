/** The number of a campaign's hidden members that different rankings find, at several sizes of the audience. */

/** What is known about each user, by user number: 1 = likes the campaign, 0 = does not, -1 = unknown. */
export type Truth = Int8Array;

/** Statistics of the best `size` users of a ranking. */
export interface Found {
  readonly size: number;
  /** Number of these users who like the campaign. */
  readonly hits: number;
  /** hits / all users who like the campaign. */
  readonly recall: number;
  /**
   * Share of users who like the campaign, among those with known labels in the audience, divided by the same share over
   * everyone: 1 is random. NaN if no label is known.
   */
  readonly lift: number;
}

export interface Method {
  readonly name: string;
  /** User numbers, best first; at least as many as the largest size. */
  readonly ranking: Int32Array;
}

/** Truth from labelled rows; a user in two rows likes the campaign if either says so. */
export function readTruth(users: Int32Array, labels: Uint8Array, directorySize: number): Truth {
  const truth = new Int8Array(directorySize).fill(-1);
  for (let i = 0; i < users.length; i++) truth[users[i]!] = Math.max(truth[users[i]!]!, labels[i]!);
  return truth;
}

/** Candidates by score descending, then user number ascending: the order of an audience. */
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
 * The difference between two methods at a size. `chance` is two standard errors of the difference (McNemar: only users
 * found by exactly one of them count).
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
