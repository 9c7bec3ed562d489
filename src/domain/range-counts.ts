/** Counts of the ranges of running expansions, for metrics. */
import { phaseOf, type RangePhase, type RangeRules, type RangeState } from './ranges.ts';

/** Counts ranges by phase, and unfinished ranges that a second engine may take or has taken. */
export function countRanges(
  states: readonly RangeState[],
  rules: Pick<RangeRules, 'maximumAttempts'>,
): { readonly phases: Readonly<Record<RangePhase, number>>; readonly doubled: number } {
  const phases = { waiting: 0, running: 0, finished: 0, failed: 0 };
  for (const state of states) phases[phaseOf(state, rules)] += 1;
  return { phases, doubled: states.filter((state) => state.isDoubled && phaseOf(state, rules) === 'running').length };
}
