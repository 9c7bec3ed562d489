/** The definition of a ranking's order, spelled out. */

/** Candidates by score descending, then user number ascending. */
export function naiveOrder(scores: Float32Array): number[] {
  return [...scores.keys()]
    .filter((user) => !Number.isNaN(scores[user]!))
    .sort((a, b) => (scores[a]! > scores[b]! ? -1 : scores[a]! < scores[b]! ? 1 : a - b));
}
