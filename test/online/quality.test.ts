/** The quality report compared with counting all pairs, and the choice of epochs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseEpochs } from '../../src/online/customise-adam.ts';
import { reportRanks } from '../../src/online/quality/quality.ts';
import { rankSeeds, type SeedRanks } from '../../src/online/quality/seed-ranks.ts';

const reportOf = (seeds: readonly number[], candidates: readonly number[]) =>
  reportRanks(rankSeeds(Float32Array.from(seeds), Float32Array.from(candidates)));

// few values, so that there are ties
const scores = fc.array(fc.constantFrom(0, 0.125, 0.25, 0.5, 0.75, 1), { minLength: 1, maxLength: 40 });

describe('reportRanks', () => {
  it('is the share of pairs that are in order, ties counted half', () => {
    fc.assert(
      fc.property(scores, scores, (seeds, candidates) => {
        let wins = 0;
        for (const seed of seeds)
          for (const candidate of candidates) wins += seed > candidate ? 1 : seed === candidate ? 0.5 : 0;
        const report = reportOf(seeds, candidates);
        expect(report.auc).toBeCloseTo(wins / (seeds.length * candidates.length), 12);
        expect([report.held_out_seeds, report.candidates]).toEqual([seeds.length, candidates.length]);
        expect(report.standard_error).toBeGreaterThanOrEqual(0);
        expect(report.recall['0.05']).toBeLessThanOrEqual(report.recall['0.2']);
      }),
    );
  });

  it('counts the seeds that would be in the top, and those tied at its end by their probability', () => {
    const candidates = Array.from({ length: 20 }, (_, i) => i / 20);
    // the top 5 % is one place: 1 is above all, .95 shares the first two with one candidate; of four places .8 shares
    // the fourth and the fifth
    const { recall } = reportOf([1, 0.95, 0.9, 0.8, 0.5], candidates);
    expect(recall['0.05']).toBeCloseTo(1.5 / 5, 12);
    expect(recall['0.2']).toBeCloseTo(3.5 / 5, 12);
  });

  it('has the standard error of Hanley and McNeil', () => {
    // 3 seeds over 2 of 4 candidates each: AUC .5, Q1 = 1/3, Q2 = 1/3
    const { auc, standard_error } = reportOf([5, 5, 5], [1, 2, 8, 9]);
    expect(auc).toBe(0.5);
    expect(standard_error).toBeCloseTo(Math.sqrt((0.25 + 2 * (1 / 3 - 0.25) + 3 * (1 / 3 - 0.25)) / 12), 12);
    expect(reportOf([2], [1]).standard_error).toBe(0);
  });
});

describe('chooseEpochs', () => {
  /** Ranks of ten seeds with these AUCs among a hundred rows. */
  const ranksOf = (aucs: readonly number[]): SeedRanks[] =>
    aucs.map((auc) => ({
      rows: 100,
      above: new Int32Array(10).fill(Math.round(100 * (1 - auc))),
      tied: new Int32Array(10),
    }));

  it.each([
    ['all of them if that is best', [0.5, 0.6, 0.7, 0.8], 3],
    ['fewer if they are better', [0.5, 0.6, 0.82, 0.8], 2],
    ['none if the unadapted model ranks best', [0.86, 0.85, 0.84], 0],
    ['the larger of equal ones', [0.86, 0.7, 0.86, 0.8], 2],
  ])('takes %s', (_, aucs, epochs) => {
    expect(chooseEpochs(ranksOf(aucs))).toBe(epochs);
  });
});
