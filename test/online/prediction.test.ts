/** Predictions from ranks: cases by hand, verdicts at their limits, and coverage of simulated audiences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { type PredictOptions, predict as predictFor } from '../../src/online/quality/prediction.ts';
import { rankSeeds, type SeedRanks } from '../../src/online/quality/seed-ranks.ts';

/** Without filters, which all seeds fit. */
const predict = (ranks: SeedRanks | null, seeds: number, options?: PredictOptions) =>
  predictFor(ranks, { all: seeds, fitting: seeds }, options);
/** Seeds at these places of 1,000 rows. */
const ranksAt = (above: readonly number[]): SeedRanks => ({
  rows: 1000,
  above: Int32Array.from(above),
  tied: new Int32Array(above.length),
});
/** `count` seeds evenly over the best `share` of the rows. */
const evenly = (count: number, share: number) =>
  ranksAt(Array.from({ length: count }, (_, i) => Math.round((1000 * share * (i + 0.5)) / count)));

describe('predict', () => {
  it('equals the values by hand for four seeds among 1,000 rows', () => {
    const { auc, recall, lift } = predict(ranksAt([0, 9, 49, 500]), 4);
    expect(auc!.mean).toBeCloseTo(1 - 558 / 4000, 12);
    const means = (of: typeof recall) =>
      Object.fromEntries(Object.entries(of).map(([share, { mean }]) => [share, mean]));
    expect(Object.keys(recall)).toHaveLength(25);
    expect(Object.keys(lift)).toEqual(Object.keys(recall));
    expect(means(recall)).toMatchObject({ '0.01': 0.5, '0.02': 0.5, '0.05': 0.75, '0.1': 0.75, '0.2': 0.75 });
    expect(means(lift)).toMatchObject({ '0.01': 50, '0.02': 25, '0.05': 15, '0.1': 7.5, '0.2': 3.75 });
  });

  it('refers lift to the rows taken when a share is rounded up', () => {
    const ranks = { rows: 10, above: Int32Array.of(0, 0, 5, 5), tied: new Int32Array(4) };
    // one of ten rows is 10 %, not 1 %
    expect(predict(ranks, 4).lift['0.01']!.mean).toBeCloseTo(0.5 / 0.1, 12);
  });

  it('reports that there were too few seeds when none was held out', () => {
    for (const ranks of [null, ranksAt([])])
      expect(predict(ranks, 3)).toEqual({
        verdict: 'unsure',
        reason: '3 seeds are too few to hold some out and see how they rank',
        fitting_seeds: 3,
        auc: null,
        recall: {},
        lift: {},
        drift: { measured: false, campaigns: 0, auc_before: null },
      });
    expect(predict(null, 1).reason).toMatch(/^1 seed is too few/);
  });

  it('reports how many seeds are in the population if not all are', () => {
    const reasonOf = (ranks: SeedRanks | null, all: number, fitting = all) =>
      predictFor(ranks, { all, fitting, rows: 50 }).reason;
    expect(reasonOf(null, 0)).toBe(
      'only 0 of 50 seeds are in the population, too few to hold some out and see how they rank',
    );
    expect(reasonOf(null, 1)).toMatch(/^only 1 of 51 seeds is in the population, too few/);
    expect(reasonOf(evenly(100, 0.1), 100)).toMatch(/, from the 100 of 150 seeds that are in the population$/);
    expect(reasonOf(evenly(100, 0.1), 120, 100)).toMatch(
      /, from the 100 of 170 .* in the population and fit the filters$/,
    );
  });

  it('reports how many seeds fit the filters if they are too few, and expects as many members there', () => {
    const seeds = { all: 50, fitting: 4 };
    const none = predictFor(null, seeds);
    expect([none.verdict, none.fitting_seeds, none.auc]).toEqual(['unsure', 4, null]);
    expect(none.reason).toBe('only 4 of 50 seeds fit the filters, too few to hold some out and see how they rank');
    expect(predictFor(null, { all: 50, fitting: 1 }).reason).toMatch(/^only 1 of 50 seeds fits the filters, too few/);
    expect(predictFor(null, { all: 50, fitting: 0 }).reason).toBe(
      'none of the 50 seeds fits the filters, so no seed can be held out to see how it ranks',
    );
    expect(predictFor(evenly(40, 0.1), { all: 50, fitting: 40 }).reason).toMatch(
      /^held-out seeds rank above .* and 0\.97, from the 40 of 50 seeds that fit the filters$/,
    );
    expect(predictFor(evenly(40, 1), { all: 50, fitting: 40 }).reason).toMatch(
      /^the seeds look like everyone else: .*, from the 40 of 50 seeds that fit the filters$/,
    );
    const unsure = predictFor(evenly(10, 1), { all: 80, fitting: 10 });
    expect(unsure.reason).toMatch(/^only 10 of 80 seeds fit the filters, too few to tell: AUC 0\.50/);
    expect(predictFor(evenly(10, 0.5), { all: 80, fitting: 10 }).auc).toEqual(
      predict(evenly(10, 0.5), 10, { others: 10 }).auc,
    );
  });

  it.each([
    ['good', 50, 0.4, /^held-out seeds rank above most candidates: AUC 0\.80, between 0\.\d\d and 0\.\d\d$/],
    ['good', 10, 0.1, /^held-out seeds/],
    ['weak', 50, 1, /^the seeds look like everyone else: AUC 0\.50, between 0\.40 and 0\.60$/],
    ['weak', 2000, 0.84, /^the seeds look like everyone else: AUC 0\.58/],
    ['good', 2000, 0.76, /^held-out seeds/],
    ['unsure', 10, 1, /^10 seeds are too few to tell: AUC 0\.50/],
    ['unsure', 20, 0.76, /^20 seeds are too few to tell: AUC 0\.62/],
  ])('is %s for %i seeds over the best %d of the rows', (verdict, count, share, reason) => {
    const prediction = predict(evenly(count, share), count);
    expect(prediction.verdict).toBe(verdict);
    expect(prediction.reason).toMatch(reason);
  });

  it('calls random seeds good at most once in a thousand times, however few they are', () => {
    const rng = createRng('chance');
    for (const count of [5, 13]) {
      let good = 0;
      for (let set = 0; set < 2000; set++) {
        const ranks = ranksAt(Array.from({ length: count }, () => rng.integer(1001)));
        if (predict(ranks, count).verdict === 'good') good += 1;
      }
      // 2 are expected at most, and 9 or more of them less than once in 3,000
      expect(good, `${count} seeds`).toBeLessThan(9);
    }
  });

  it('returns numbers whatever the ranks, intervals that contain their mean, and recall that grows with size', () => {
    const scores = fc.array(fc.constantFrom(0, 0.25, 0.5, 1), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, scores, fc.integer({ min: 1, max: 500 }), (seeds, rows, others) => {
        const { auc, recall, lift } = predict(rankSeeds(seeds, Float32Array.from(rows)), seeds.length, { others });
        for (const { mean, low, high } of [auc!, ...Object.values(recall), ...Object.values(lift)]) {
          expect([mean, low, high].every(Number.isFinite)).toBe(true);
          expect([low <= mean, mean <= high, low >= 0]).toEqual([true, true, true]);
        }
        const means = Object.values(recall).map(({ mean }) => mean);
        for (const [i, mean] of means.entries()) expect(mean).toBeGreaterThanOrEqual((means[i - 1] ?? 0) - 1e-12);
      }),
      { seed: 2 },
    );
  });

  it('contains recall and lift of simulated audiences nine times in ten', () => {
    const rng = createRng('audiences');
    const held = { recall: 0, lift: 0 };
    const trials = 600;
    for (let trial = 0; trial < trials; trial++) {
      // seeds and others are distributed equally over the rows, more or less towards the top
      const power = 1 + 3 * rng.uniform();
      const place = () => Math.floor(1000 * rng.uniform() ** power);
      const { recall, lift } = predict(ranksAt(Array.from({ length: 50 }, place)), 50, { others: 80 });
      const hits = Array.from({ length: 80 }, place).filter((at) => at < 50).length;
      const [low, high] = [recall['0.05']!.low - 1e-9, recall['0.05']!.high + 1e-9];
      if (hits / 80 >= low && hits / 80 <= high) held.recall += 1;
      const truth = hits / 80 / 0.05;
      if (truth >= lift['0.05']!.low - 1e-9 && truth <= lift['0.05']!.high + 1e-9) held.lift += 1;
    }
    expect(held.lift).toBe(held.recall);
    expect(held.recall / trials).toBeGreaterThan(0.85);
    expect(held.recall / trials).toBeLessThan(0.97);
  });
});
