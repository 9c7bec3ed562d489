/** Runs all optimisations until nothing changes any more. */
import type { Graph } from '../ir.ts';
import { prune } from '../prune.ts';
import { cancelMoves } from './cancel-moves.ts';
import { mergeCommonSubexpressions } from './common-subexpressions.ts';
import { foldConstants } from './fold-constants.ts';
import { fuseGemm } from './fuse-gemm.ts';
import { fuseSums } from './fuse-sums.ts';
import { takeOutIdentities } from './identities.ts';

/** The passes, in the order in which they run. */
export const PASSES = {
  foldConstants,
  takeOutIdentities,
  cancelMoves,
  mergeCommonSubexpressions,
  fuseSums,
  fuseGemm,
} as const;

/** Each round of passes makes a graph smaller or leaves it; this is far beyond any that was seen. */
const MAXIMUM_ROUNDS = 50;

/**
 * A smaller graph that computes the same: same inputs, parameters and outputs by the same names, equal but for the rounding of
 * fused sums and products. A graph whose shapes turn out never to fit, so that it could not run, is a GraphError. Gradients given by hand stay (prune them before, where none will be asked for).
 */
export function optimise(graph: Graph): Graph {
  let current = prune(graph);
  for (let round = 0; round < MAXIMUM_ROUNDS; round++) {
    const before = textOf(current);
    for (const pass of Object.values(PASSES)) current = prune(pass(current));
    if (textOf(current) === before) break;
  }
  return current;
}

/** Equal for equal nodes. */
function textOf({ nodes, outputs, constants }: Graph): string {
  return JSON.stringify([nodes, outputs, [...constants.keys()]]);
}
