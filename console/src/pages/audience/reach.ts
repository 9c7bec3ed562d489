/** Interpolates the expected reach of an audience of any size linearly between the points of the service's curve. */
import type { QualityReport } from '../../api/types.ts';

export type Curve = QualityReport['curve'];

/** An estimated value with its 90 % interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface Reach {
  readonly size: number;
  /** The size as a share of all candidates. */
  readonly share: number;
  /** Share of all people like the customers that the audience contains. */
  readonly recall: Interval;
  /**
   * How many times as many people like the customers the audience contains, compared with a random audience of the same
   * size.
   */
  readonly lift: Interval;
  /** Size of a random audience that would contain as many people like the customers. */
  readonly random: Interval;
}

const NOBODY = { size: 0, recall: { mean: 0, low: 0, high: 0 } };

/**
 * Returns the expected reach for a size, clamped to 1 .. `candidates`. At a point of the curve, the numbers are the
 * service's own. Below the first point, the lift is almost the same as at that point.
 */
export function reachAt(curve: Curve, candidates: number, size: number): Reach {
  const kept = Math.min(candidates, Math.max(1, Math.round(size)));
  const share = kept / candidates;
  const next = curve.findIndex((point) => point.size >= kept);
  const upper = next < 0 ? { size: candidates, recall: { mean: 1, low: 1, high: 1 } } : curve[next]!;
  const lower = (next < 0 ? curve.at(-1) : curve[next - 1]) ?? NOBODY;
  const part = upper.size === lower.size ? 1 : (kept - lower.size) / (upper.size - lower.size);
  const between = (key: keyof Interval) => lower.recall[key] + part * (upper.recall[key] - lower.recall[key]);
  const recall = { mean: between('mean'), low: between('low'), high: between('high') };
  const times = (factor: number) => ({
    mean: recall.mean * factor,
    low: recall.low * factor,
    high: recall.high * factor,
  });
  const lift = next >= 0 && upper.size === kept ? curve[next]!.lift : times(1 / share);
  return { size: kept, share, recall, lift, random: times(candidates) };
}

/** Number of points in the drawn lines. */
const DRAWN = 160;
/** The smallest size in the charts as a share of the first predicted size. */
const FIRST_PART = 0.25;

/** Returns the smallest size in the charts. */
export function leastShown(curve: Curve): number {
  return Math.max(1, Math.round(FIRST_PART * (curve[0]?.size ?? 1)));
}

/** Returns sizes from the smallest size in the charts to all candidates, with a constant ratio between neighbours. */
export function drawnReaches(curve: Curve, candidates: number): readonly Reach[] {
  const least = leastShown(curve);
  const sizes = Array.from({ length: DRAWN }, (_, i) => Math.round(least * (candidates / least) ** (i / (DRAWN - 1))));
  return [...new Set(sizes)].map((size) => reachAt(curve, candidates, size));
}
