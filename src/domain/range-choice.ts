/** Decides which ranges of distributed expansions an engine gets, and which slow ranges a second engine takes too. */
import { isClaimable, isSuspect, phaseOf, type RangeRules, type RangeState, type SegmentRange } from './ranges.ts';

/** A range counts as slow only if it has taken this many times as long as the median of the finished ranges. */
const SLOW_FACTOR = 2;
/** A range never counts as slow before this time, because doubling costs the other engine as much work. */
const SLOW_LEAST_MS = 2_000;

/**
 * The indices of slow ranges, which other engines should take too. Ranges are doubled only near the end, that is, when
 * no range is waiting and at least one is finished.
 */
export function findSlow(ranges: readonly RangeState[], rules: RangeRules, now: number): readonly number[] {
  const phases = ranges.map((range) => phaseOf(range, rules));
  if (phases.includes('waiting')) return [];
  const times = ranges.flatMap(({ finished }) => (finished === null ? [] : [finished.tookMs])).sort((a, b) => a - b);
  if (times.length === 0) return [];
  const limit = Math.max(SLOW_LEAST_MS, SLOW_FACTOR * times[Math.floor(times.length / 2)]!);
  return [...ranges.keys()].filter((i) => {
    const { holders, isDoubled } = ranges[i]!;
    return phases[i] === 'running' && !isDoubled && now - holders[0]!.claimedAt > limit;
  });
}

/** Which ranges an engine asks for. */
export interface RangeChoice {
  readonly owner: string;
  /** Maximum number of ranges, all with the same segments and each of another expansion. */
  readonly most: number;
  /** The values of `golden` that the engine cannot reproduce. */
  readonly refused: readonly string[];
}

/** An expansion whose ranges are offered. */
export interface OpenRanges {
  readonly modelVersion: string;
  readonly populationVersion: string;
  readonly golden: string;
  readonly ranges: readonly (SegmentRange & { readonly state: RangeState })[];
}

/**
 * Chooses ranges for an engine: the first claimable range of the first expansion and, unless it is suspect, the same
 * segments of other expansions, so that they share one pass. `offers` are in the order of their jobs' turns. Returns
 * pairs of an index in `offers` and an index in its ranges.
 */
export function chooseRanges(
  offers: readonly OpenRanges[],
  { owner, most, refused }: RangeChoice,
  rules: RangeRules,
  now: number,
): readonly (readonly [offer: number, range: number])[] {
  const chosen: (readonly [number, number])[] = [];
  for (const [i, offer] of offers.entries()) {
    if (chosen.length === most) break;
    if (refused.includes(offer.golden)) continue;
    const [first] = chosen;
    const number = offer.ranges.findIndex(
      (range) => isFree(range.state) && (first === undefined || areSame(offers, first, offer, range)),
    );
    if (number < 0) continue;
    const { state } = offer.ranges[number]!;
    if (first === undefined || !isSuspect(state)) chosen.push([i, number]);
    if (first === undefined && isSuspect(state)) break;
  }
  return chosen;

  function isFree(state: RangeState): boolean {
    return isClaimable(state, owner, rules, now);
  }
}

/** Whether a range has the segments, model and population of the range that was chosen first. */
function areSame(
  offers: readonly OpenRanges[],
  [i, number]: readonly [number, number],
  offer: Pick<OpenRanges, 'modelVersion' | 'populationVersion'>,
  { from, to }: SegmentRange,
): boolean {
  const first = offers[i]!;
  const range = first.ranges[number]!;
  const isSameModel = first.modelVersion === offer.modelVersion && first.populationVersion === offer.populationVersion;
  return isSameModel && range.from === from && range.to === to;
}
