/** What an audience of any size is expected to reach: read off the service's curve, straight between its points. */
import type { QualityReport } from '../../api/types.ts';

export type Curve = QualityReport['curve'];

/** An estimate with its 90 % interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface Reach {
  readonly size: number;
  /** Of all candidates. */
  readonly share: number;
  /** Share of the people who are like the customers. */
  readonly recall: Interval;
  /** How many times as many as in a random audience of this size. */
  readonly lift: Interval;
}

/** `size` is kept between 1 and `candidates`. The lift below the first point is that of the first point. */
export function reachAt(curve: Curve, candidates: number, size: number): Reach {
  const kept = Math.min(candidates, Math.max(1, Math.round(size)));
  const share = kept / candidates;
  const next = curve.findIndex((point) => point.size >= kept);
  const upper = next < 0 ? { size: candidates, recall: { mean: 1, low: 1, high: 1 } } : curve[next]!;
  const before = next < 0 ? curve.at(-1) : curve[next - 1];
  const lower = before ?? { size: 0, recall: { mean: 0, low: 0, high: 0 } };
  const part = upper.size === lower.size ? 1 : (kept - lower.size) / (upper.size - lower.size);
  const between = (key: keyof Interval) => lower.recall[key] + part * (upper.recall[key] - lower.recall[key]);
  const recall = { mean: between('mean'), low: between('low'), high: between('high') };
  const liftOf = (value: number) => value / share;
  return {
    ...{ size: kept, share, recall },
    lift: { mean: liftOf(recall.mean), low: liftOf(recall.low), high: liftOf(recall.high) },
  };
}
