/** Drift in predictions: cases by hand; chance stays chance, sizes stay in order, and verdicts follow. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { Drift, DriftMeasure } from '../../src/model/manifest.ts';
import { driftAt, driftInterval, separationOf } from '../../src/online/quality/drift.ts';
import { type PredictOptions, predict as predictFor } from '../../src/online/quality/prediction.ts';
import { shareInterval, Z } from '../../src/online/quality/predictive-interval.ts';
import { rankSeeds, type SeedRanks } from '../../src/online/quality/seed-ranks.ts';

/** The prediction for a campaign whose seeds all fit. */
const predict = (ranks: SeedRanks | null, seeds: number, options?: PredictOptions) =>
  predictFor(ranks, { all: seeds, fitting: seeds }, options);

const NONE: DriftMeasure = { kept: 1, spread: 0, quantile: Z };

function driftOf(...bySeeds: readonly (readonly [seeds: number, measure: DriftMeasure])[]): Drift {
  const by_seeds = bySeeds.map(([seeds, measure]) => ({ seeds, campaigns: 9, recall: measure, auc: measure }));
  return { data: 'made', campaigns: 9, from: '2026-01-01T00:00:00Z', until: '2026-06-01T00:00:00Z', by_seeds };
}

/** Seeds that rank `separation` standard deviations above the 2,000 others. */
function ranksOf(key: string, seeds: number, separation: number): SeedRanks {
  const rng = createRng(key);
  const rows = Float32Array.from({ length: 2000 }, () => rng.normal());
  return rankSeeds(
    Float32Array.from({ length: seeds }, () => separation + rng.normal()),
    rows,
  );
}

describe('driftAt', () => {
  const half = { kept: 0.5, spread: 0.2, quantile: 2 };
  const drift = driftOf([10, NONE], [1000, half]);

  it('interpolates between two numbers of seeds by their logarithm, and takes the nearest beyond them', () => {
    expect(driftAt(drift, 100).auc).toEqual({
      kept: expect.closeTo(0.75, 12),
      spread: expect.closeTo(0.1, 12),
      quantile: expect.closeTo((2 + Z) / 2, 12),
    });
    for (const seeds of [1, 10]) expect(driftAt(drift, seeds).recall).toEqual(NONE);
    for (const seeds of [1000, 1e6]) expect(driftAt(drift, seeds).recall).toEqual(half);
    expect(driftAt(driftOf([50, half]), 7)).toEqual({ recall: half, auc: half });
  });
});

describe('driftInterval', () => {
  it('leaves an interval as it is if nothing drifts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (seeds, part) => {
        const interval = shareInterval(Math.round(part * seeds), seeds, seeds);
        const same = driftInterval(interval, 0.05, seeds, NONE);
        for (const bound of ['mean', 'low', 'high'] as const) expect(same[bound]).toBeCloseTo(interval[bound], 10);
      }),
    );
  });

  it('keeps a share of the distance from chance, in logits', () => {
    const measure = { ...NONE, kept: 0.8 };
    const { mean } = driftInterval({ mean: 0.4, low: 0.3, high: 0.5 }, 0.05, 1e6, measure);
    const logit = (share: number) => Math.log(share / (1 - share));
    expect(logit(mean)).toBeCloseTo(logit(0.05) + 0.8 * (logit(0.4) - logit(0.05)), 4);
    expect(separationOf(mean, 0.05, 1e6)).toBeCloseTo(0.8 * separationOf(0.4, 0.05, 1e6), 4);
  });

  it('leaves chance where it is, and is wider the more campaigns differ', () => {
    const chance = { mean: 0.05, low: 0.01, high: 0.12 };
    expect(driftInterval(chance, 0.05, 200, { ...NONE, kept: 0.5 }).mean).toBeCloseTo(0.05, 12);
    const widthOf = (spread: number) => {
      const { low, high } = driftInterval({ mean: 0.4, low: 0.3, high: 0.5 }, 0.05, 200, {
        ...NONE,
        kept: 0.8,
        spread,
      });
      return high - low;
    };
    expect(widthOf(0.1)).toBeGreaterThan(widthOf(0));
    expect(widthOf(0.3)).toBeGreaterThan(widthOf(0.1));
  });
});

describe('predict with drift', () => {
  const drift = driftOf(
    [10, { kept: 0.9, spread: 0.1, quantile: 1.8 }],
    [200, { kept: 0.7, spread: 0.2, quantile: 1.7 }],
  );

  it('keeps the sizes in order, bounds within 0 and 1, and the mean between them', () => {
    const kept = fc.double({ min: 0.2, max: 1.2, noNaN: true });
    const spread = fc.double({ min: 0, max: 0.6, noNaN: true });
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 5, max: 60 }), kept, spread, (key, seeds, part, varies) => {
        const of = driftOf([seeds, { kept: part, spread: varies, quantile: 2 }]);
        const { recall, auc } = predict(ranksOf(key, seeds, 1), seeds, { drift: of });
        const all = Object.entries(recall).sort(([a], [b]) => Number(a) - Number(b));
        for (const [i, [, { mean, low, high }]] of all.entries()) {
          const before = all[i - 1]?.[1] ?? { mean: 0, low: 0, high: 0 };
          expect(low).toBeGreaterThanOrEqual(before.low);
          expect(mean).toBeGreaterThanOrEqual(before.mean);
          expect(high).toBeGreaterThanOrEqual(before.high);
        }
        for (const { mean, low, high } of [auc!, ...Object.values(recall)]) {
          expect([low >= 0, low <= mean, mean <= high, high <= 1]).toEqual([true, true, true, true]);
        }
      }),
    );
  });

  it('moves recall, lift and AUC, and reports the AUC before', () => {
    const ranks = ranksOf('moved', 100, 1.5);
    const [plain, moved] = [predict(ranks, 100), predict(ranks, 100, { drift })];
    expect(plain.drift).toEqual({ measured: false, campaigns: 0, auc_before: null });
    expect(moved.drift).toEqual({ measured: true, campaigns: 9, auc_before: plain.auc });
    expect(moved.auc!.mean).toBeLessThan(plain.auc!.mean);
    for (const share of ['0.01', '0.05', '0.5']) {
      expect(moved.recall[share]!.mean).toBeLessThan(plain.recall[share]!.mean);
      expect(moved.lift[share]!.mean / plain.lift[share]!.mean).toBeCloseTo(
        moved.recall[share]!.mean / plain.recall[share]!.mean,
        10,
      );
    }
    expect(moved.reason).toMatch(/, with the drift of 9 past campaigns$/);
    expect(plain.reason).not.toContain('drift');
  });

  it('judges by the corrected numbers', () => {
    const ranks = ranksOf('judged', 200, 0.5);
    expect(predict(ranks, 200).verdict).toBe('good');
    const strong = driftOf([200, { kept: 0.4, spread: 0.1, quantile: 1.7 }]);
    expect(predict(ranks, 200, { drift: strong })).toMatchObject({ verdict: 'weak' });
    const unsteady = driftOf([200, { kept: 0.9, spread: 0.6, quantile: 2 }]);
    expect(predict(ranks, 200, { drift: unsteady }).verdict).toBe('unsure');
  });

  it('reports whether drift was measured if too few seeds were held out', () => {
    expect(predict(null, 3, { drift }).drift).toEqual({ measured: true, campaigns: 9, auc_before: null });
  });
});
