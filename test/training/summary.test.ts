/** Summaries and differences: groups, means over campaigns, and their intervals. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { Trial } from '../../src/training/choices/trial.ts';
import type { RankingQuality } from '../../src/training/evaluation/metrics.ts';
import { subtract, summarise, type TrialQuality } from '../../src/training/evaluation/summary.ts';

const qualityOf = (auc: number): RankingQuality => ({
  auc,
  top: [{ share: 0.05, count: 10, hits: 5, precision: auc / 2, recall: auc / 4, lift: 2 * auc }],
});
const entry = (group: Trial['group'], ...aucs: number[]): TrialQuality => ({
  trial: {
    id: 'c',
    features: {},
    group,
    seeds: new Int32Array(0),
    evaluation: { users: new Int32Array(0), labels: new Uint8Array(0) },
  },
  repeats: aucs.map(qualityOf),
});

describe('summarise', () => {
  it('means the repeats of a campaign first, then the campaigns of a group', () => {
    const summary = summarise(
      [entry('small', 0.5, 0.7), entry('small', 0.8), entry('large', 0.9, 0.9), entry(null, 1)],
      createRng('s'),
    );
    expect([summary.small!.campaigns, summary.large!.campaigns, summary.all!.campaigns]).toEqual([2, 1, 4]);
    expect(summary.small!.auc.mean).toBeCloseTo(0.7, 12);
    expect(summary.large!.auc.mean).toBeCloseTo(0.9, 12);
    expect(summary.all!.auc.mean).toBeCloseTo((0.6 + 0.8 + 0.9 + 1) / 4, 12);
    expect(summary.small!.precision['0.05']!.mean).toBeCloseTo(0.35, 12);
    expect(summary.small!.recall['0.05']!.mean).toBeCloseTo(0.175, 12);
    expect(summary.small!.lift['0.05']!.mean).toBeCloseTo(1.4, 12);
  });

  it('has intervals that contain their means, without width for one campaign', () => {
    const { all, large } = summarise(
      [entry('small', 0.5), entry('small', 0.6), entry('small', 0.9), entry('large', 0.7)],
      createRng('s'),
    );
    expect(all!.auc.low).toBeLessThan(all!.auc.mean);
    expect(all!.auc.high).toBeGreaterThan(all!.auc.mean);
    expect(all!.auc.low).toBeGreaterThanOrEqual(0.5);
    expect(all!.auc.high).toBeLessThanOrEqual(0.9);
    expect(large!.auc).toEqual({ mean: 0.7, low: 0.7, high: 0.7 });
  });

  it('leaves out groups without campaigns', () => {
    expect(Object.keys(summarise([entry(null, 0.5)], createRng('s')))).toEqual(['all']);
    expect(Object.keys(summarise([entry('large', 0.5)], createRng('s')))).toEqual(['large', 'all']);
    expect(summarise([], createRng('s'))).toEqual({});
  });
});

describe('subtract', () => {
  const ours = [entry('small', 0.5, 0.7), entry('small', 0.8), entry('large', 0.9, 0.9)];
  const theirs = [0.4, 0.9, 0.8].map((auc, i): TrialQuality => ({ trial: ours[i]!.trial, repeats: [qualityOf(auc)] }));

  it('takes the mean over campaigns of the differences between the means over repeats', () => {
    const difference = subtract(ours, theirs, createRng('d'));
    // campaigns: .6 - .4, .8 - .9, .9 - .8; precision is half of the AUC
    expect(difference.small!.auc.mean).toBeCloseTo(0.05, 12);
    expect(difference.large!.auc.mean).toBeCloseTo(0.1, 12);
    expect(difference.all!.auc.mean).toBeCloseTo(0.2 / 3, 12);
    expect(difference.all!.precision['0.05']!.mean).toBeCloseTo(0.1 / 3, 12);
    // a quarter of the resamples of two campaigns have one of them twice
    expect(difference.small!.auc.low).toBeCloseTo(-0.1, 12);
    expect(difference.small!.auc.high).toBeCloseTo(0.2, 12);
  });

  it('has no width when every campaign differs by the same amount, however far apart campaigns are', () => {
    const better = ours.map(({ trial, repeats }) => ({
      trial,
      repeats: repeats.map(({ auc }) => qualityOf(auc - 0.25)),
    }));
    const { all } = subtract(ours, better, createRng('d'));
    expect(all!.auc.mean).toBeCloseTo(0.25, 12);
    expect(all!.auc.high - all!.auc.low).toBeLessThan(1e-12);
  });

  it('leaves out groups without campaigns, and refuses methods evaluated on other trials', () => {
    const large = [ours[2]!];
    expect(Object.keys(subtract(large, large, createRng('d')))).toEqual(['large', 'all']);
    expect(() => subtract(ours, [...theirs].reverse(), createRng('d'))).toThrow(/the trials of two methods differ/);
    expect(() => subtract(ours, theirs.slice(1), createRng('d'))).toThrow(/the trials of two methods differ/);
  });
});
