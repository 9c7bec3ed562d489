/** The quality report, which says how held-out seeds rank among candidates. */
import { aucOf, effectiveSeeds, hitsAt, type SeedRanks, topCount } from './seed-ranks.ts';

export interface QualityReport {
  readonly held_out_seeds: number;
  readonly candidates: number;
  /**
   * Probability that a held-out seed scores above a candidate; ties count half. Hidden members among the candidates
   * make this value conservative.
   */
  readonly auc: number;
  /** Standard error of `auc` (Hanley & McNeil 1982). */
  readonly standard_error: number;
  /** Shares of the held-out seeds that rank among the top 5 % and 20 % of candidates. */
  readonly recall: { readonly '0.05': number; readonly '0.2': number };
}

/**
 * Computes the report from the ranks of held-out seeds among candidates. If seeds have weights, they count by weight.
 */
export function reportRanks(ranks: SeedRanks): QualityReport {
  const n1 = effectiveSeeds(ranks);
  const n0 = ranks.rows;
  const auc = aucOf(ranks);
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  const variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc * auc) + (n0 - 1) * (q2 - auc * auc)) / (n1 * n0);
  const recallAt = (share: number) => hitsAt(ranks, topCount(n0, share)) / n1;
  return {
    held_out_seeds: ranks.above.length,
    candidates: n0,
    auc,
    standard_error: Math.sqrt(Math.max(variance, 0)),
    recall: { '0.05': recallAt(0.05), '0.2': recallAt(0.2) },
  };
}
