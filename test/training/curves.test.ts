/** Curves by size and by the number of seeds. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { binBySeeds, CURVE_SHARES, curveOf } from '../../src/training/evaluation/curves.ts';
import type { RankingQuality } from '../../src/training/evaluation/metrics.ts';
import type { TrialQuality } from '../../src/training/evaluation/summary.ts';

/** A campaign whose recall at a share is `share ** power`. */
const qualityOf = (power: number): RankingQuality => ({
  auc: 1 - power / 2,
  top: CURVE_SHARES.map((share) => {
    const recall = share ** power;
    return { share, count: 1, hits: 1, precision: 0, recall, lift: recall / share };
  }),
});
const tried = (seeds: number, rows: number, ...powers: number[]): TrialQuality => ({
  trial: {
    id: `c${seeds}`,
    features: {},
    group: null,
    seeds: new Int32Array(seeds),
    evaluation: { users: new Int32Array(rows), labels: new Uint8Array(rows) },
  },
  repeats: powers.map(qualityOf),
});

describe('curveOf', () => {
  const qualities = [tried(1, 1000, 0.2, 0.4), tried(2, 1000, 0.5), tried(3, 1000, 0.6)];

  it('means repeats first, then campaigns, at every size', () => {
    const curve = curveOf(qualities, createRng('c'));
    expect(curve.map(({ share }) => share)).toEqual([...CURVE_SHARES]);
    for (const { share, recall, lift } of curve) {
      expect(recall.mean).toBeCloseTo(((share ** 0.2 + share ** 0.4) / 2 + share ** 0.5 + share ** 0.6) / 3, 12);
      expect(lift.mean).toBeCloseTo(recall.mean / share, 9);
      expect(recall.low <= recall.mean && recall.mean <= recall.high).toBe(true);
    }
    expect(curve.at(-1)!.recall).toEqual({ mean: 1, low: 1, high: 1 });
  });

  it('uses the same resamples at every size: bands do not jump', () => {
    const curve = curveOf(qualities, createRng('c'));
    for (const { share, recall, lift } of curve) {
      expect(lift.low).toBeCloseTo(recall.low / share, 9);
      expect(lift.high).toBeCloseTo(recall.high / share, 9);
    }
  });

  it('begins at the size where an audience has a user of every campaign', () => {
    const curve = curveOf([...qualities, tried(4, 120, 0.5)], createRng('c'));
    expect(curve[0]!.share).toBe(0.01);
    expect(curve.at(-1)!.share).toBe(1);
  });
});

describe('binBySeeds', () => {
  it('has the bins of 1, 2, 5, 10 .. seeds that contain campaigns, for every method', () => {
    const ours = [1, 4, 49, 50, 60, 5000].map((seeds) => tried(seeds, 100, seeds / 10_000));
    const theirs = ours.map(({ trial }) => ({ trial, repeats: [qualityOf(1)] }));
    const bins = binBySeeds(
      new Map([
        ['ours', ours],
        ['theirs', theirs],
      ]),
      createRng('b'),
    );
    expect(bins.map(({ from, to, campaigns }) => [from, to, campaigns])).toEqual([
      [1, 2, 1],
      [2, 5, 1],
      [20, 50, 1],
      [50, 100, 2],
      [5000, 10_000, 1],
    ]);
    expect(bins[3]!.seeds).toBeCloseTo(Math.sqrt(50 * 60), 9);
    expect(bins[3]!.auc['ours']!.mean).toBeCloseTo(1 - 0.0055 / 2, 12);
    expect(bins.every(({ auc }) => auc['theirs']!.mean === 0.5)).toBe(true);
  });
});
