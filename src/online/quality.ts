/** The quality report: how held-out seeds rank among candidates. */

export interface QualityReport {
  readonly held_out_seeds: number;
  readonly candidates: number;
  /** Chance that a held-out seed scores above a candidate; ties count half. Hidden members among the candidates make it cautious. */
  readonly auc: number;
  /** Standard error of `auc` (Hanley & McNeil 1982). */
  readonly standard_error: number;
  /** Share of the held-out seeds among the top 5 % and 20 % of candidates. */
  readonly recall: { readonly '0.05': number; readonly '0.2': number };
}

/** Compares the scores of held-out seeds with those of sampled candidates. */
export function heldOutQuality(seeds: readonly number[] | Float32Array, candidates: Float32Array): QualityReport {
  const sorted = Float64Array.from(candidates).sort();
  let wins = 0;
  for (const score of seeds) wins += (lowerBound(sorted, score) + upperBound(sorted, score)) / 2;
  const n1 = seeds.length;
  const n0 = sorted.length;
  const auc = wins / (n1 * n0);
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  const variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc * auc) + (n0 - 1) * (q2 - auc * auc)) / (n1 * n0);
  const recallAt = (share: number) => {
    const cut = sorted[Math.max(0, n0 - Math.ceil(share * n0))]!;
    return Array.from(seeds).filter((score) => score >= cut).length / n1;
  };
  return {
    held_out_seeds: n1,
    candidates: n0,
    auc,
    standard_error: Math.sqrt(Math.max(variance, 0)),
    recall: { '0.05': recallAt(0.05), '0.2': recallAt(0.2) },
  };
}

/** Elements below `x`. */
function lowerBound(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Elements not above `x`. */
function upperBound(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
