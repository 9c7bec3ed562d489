/**
 * Recall and lift by the size of an audience, and AUC by the number of seeds: means over campaigns with their
 * intervals.
 */

import type { Interval } from '../../lib/interval.ts';
import type { Rng } from '../../lib/rng.ts';
import type { TrialQuality } from './summary.ts';
import { bootstrapMean } from './summary.ts';

/** Audience sizes, as shares of the ranked rows. */
export const CURVE_SHARES = [
  0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1,
] as const;

/** The quality at one audience size. */
export interface CurvePoint {
  readonly share: number;
  readonly recall: Interval;
  readonly lift: Interval;
}

/**
 * Means over the campaigns (each campaign counts as the mean of its repeats), with 95 % intervals. All sizes use the
 * same resamples. The curve begins at the share at which every campaign's audience has at least one user.
 */
export function curveOf(qualities: readonly TrialQuality[], rng: Rng): CurvePoint[] {
  const [first] = qualities;
  if (first === undefined) return [];
  const fewestRows = Math.min(...qualities.map(({ trial }) => trial.evaluation.users.length));
  return first.repeats[0]!.top.flatMap(({ share }, i) => {
    if (share * fewestRows < 1) return [];
    const interval = (what: 'recall' | 'lift') =>
      bootstrapMean(
        qualities.map(({ repeats }) => meanOf(repeats, ({ top }) => top[i]![what])),
        rng.fork('campaigns'),
      );
    return { share, recall: interval('recall'), lift: interval('lift') };
  });
}

/** Campaigns with similar numbers of seeds. */
export interface SeedBin {
  /** The range of the campaigns' numbers of seeds: `from` <= seeds < `to`. */
  readonly from: number;
  readonly to: number;
  readonly campaigns: number;
  /** The geometric mean of the campaigns' numbers of seeds. */
  readonly seeds: number;
  /** Mean AUC by method. */
  readonly auc: Readonly<Record<string, Interval>>;
}

/**
 * Test campaigns in bins of 1, 2, 5, 10, 20, 50 .. seeds; empty bins are omitted. All methods were evaluated on the
 * same trials.
 */
export function binBySeeds(methods: ReadonlyMap<string, readonly TrialQuality[]>, rng: Rng): SeedBin[] {
  const [trials = []] = methods.values();
  const seeds = trials.map(({ trial }) => trial.seeds.length);
  const bins: SeedBin[] = [];
  const most = Math.max(0, ...seeds);
  for (let [from, i] = [1, 0]; from <= most; i++) {
    const to = from * (i % 3 === 1 ? 2.5 : 2);
    const places = [...seeds.keys()].filter((place) => seeds[place]! >= from && seeds[place]! < to);
    if (places.length > 0)
      bins.push({
        from,
        to,
        campaigns: places.length,
        seeds: Math.exp(meanOf(places, (place) => Math.log(seeds[place]!))),
        auc: Object.fromEntries(
          [...methods].map(([name, qualities]) => [
            name,
            bootstrapMean(
              places.map((place) => meanOf(qualities[place]!.repeats, ({ auc }) => auc)),
              rng.fork(`${from}`),
            ),
          ]),
        ),
      });
    from = to;
  }
  return bins;
}

export function meanOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}
