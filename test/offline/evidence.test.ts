/** The one rule of choice: surely better, else simpler and level, else what there is. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import {
  type Alternative,
  chooseByEvidence,
  type Gain,
  gainOf,
  LEAST_CAMPAIGNS,
  LEAST_GAIN,
  utilityOf,
} from '../../src/offline/evidence.ts';

/** What is judged is the gain in utility alone. */
const gain = (mean: number, error: number): Gain => {
  const none = { mean: Number.NaN, error: Number.NaN };
  return { auc: none, precision: none, utility: { mean, error } };
};
const added = (mean: number, error = 0): Alternative => ({ gain: gain(mean, error), isSimpler: false });
const simpler = (mean: number, error = 0): Alternative => ({ gain: gain(mean, error), isSimpler: true });

describe('gainOf', () => {
  it('is the mean of paired differences, with its standard error, of both measures and of their utility', () => {
    const ours = [
      { auc: 0.5, precision: 0.1 },
      { auc: 0.9, precision: 0.5 },
    ];
    const theirs = [
      { auc: 0.6, precision: 0.1 },
      { auc: 0.92, precision: 0.58 },
    ];
    // differences .1 and .02, 0 and .08, .1 and .04; of two, half their distance is the standard error
    expect(gainOf(theirs, ours)).toEqual({
      auc: { mean: expect.closeTo(0.06, 12), error: expect.closeTo(0.04, 12) },
      precision: { mean: expect.closeTo(0.04, 12), error: expect.closeTo(0.04, 12) },
      utility: { mean: expect.closeTo(0.07, 12), error: expect.closeTo(0.03, 12) },
    });
  });

  it('takes other campaigns for a bug', () => {
    expect(() => gainOf([{ auc: 1, precision: 1 }], [])).toThrow(/1 campaigns beside 0/);
  });

  it('counts precision a quarter', () => {
    expect(utilityOf({ auc: 0.8, precision: 0.4 })).toBeCloseTo(0.9, 12);
  });
});

describe('chooseByEvidence', () => {
  it('takes the largest of the gains that are sure', () => {
    expect(chooseByEvidence([added(0.01), added(0.03), added(0.02)], 8)).toBe(1);
    // .04 is not sure at an error of .02
    expect(chooseByEvidence([added(0.01, 0.001), added(0.04, 0.02)], 8)).toBe(0);
  });

  it.each([
    [4, 3],
    [8, 2.5],
    [40, 2.1],
  ])('is sure of %i campaigns from %d standard errors', (campaigns, errors) => {
    const error = 0.01;
    expect(chooseByEvidence([added((errors + 0.01) * error, error)], campaigns)).toBe(0);
    expect(chooseByEvidence([added((errors - 0.01) * error, error)], campaigns)).toBe(-1);
  });

  it('does not take a gain that is sure and too small to matter', () => {
    expect(chooseByEvidence([added(0.99 * LEAST_GAIN)], 20)).toBe(-1);
    expect(chooseByEvidence([added(1.01 * LEAST_GAIN)], 20)).toBe(0);
  });

  it('takes what is simpler where it is surely no worse', () => {
    expect(chooseByEvidence([simpler(0)], 8)).toBe(0);
    expect(chooseByEvidence([simpler(-0.9 * LEAST_GAIN)], 8)).toBe(0);
    expect(chooseByEvidence([simpler(-1.1 * LEAST_GAIN)], 8)).toBe(-1);
    // it may be worse: 0 less 2.5 errors
    expect(chooseByEvidence([simpler(0, 0.001)], 8)).toBe(-1);
    expect(chooseByEvidence([added(0)], 8)).toBe(-1);
  });

  it('prefers what is surely better to what is simpler and level', () => {
    expect(chooseByEvidence([simpler(0), added(0.01), simpler(0.0001)], 8)).toBe(1);
    expect(chooseByEvidence([simpler(0), added(0.01, 0.01), simpler(0.0001)], 8)).toBe(2);
  });

  it('of equals takes the first, and of none nothing', () => {
    expect(chooseByEvidence([added(0.01), added(0.01)], 8)).toBe(0);
    expect(chooseByEvidence([], 8)).toBe(-1);
  });

  it('believes nothing of few campaigns', () => {
    const clear = [added(0.5), simpler(0.5)];
    expect(chooseByEvidence(clear, LEAST_CAMPAIGNS - 1)).toBe(-1);
    expect(chooseByEvidence(clear, LEAST_CAMPAIGNS)).toBe(0);
  });

  it('seldom takes noise: one of five alternatives without any difference, in fewer than one choice of six', () => {
    for (const campaigns of [4, 8, 24]) {
      let taken = 0;
      for (let draw = 0; draw < 300; draw++) {
        const rng = createRng(`${campaigns}/${draw}`);
        const outcomes = () => Array.from({ length: campaigns }, () => ({ auc: 0.05 * rng.normal(), precision: 0 }));
        const ours = outcomes();
        const alternatives = Array.from({ length: 5 }, () => ({ gain: gainOf(outcomes(), ours), isSimpler: false }));
        if (chooseByEvidence(alternatives, campaigns) !== -1) taken++;
      }
      expect(taken / 300, `${campaigns} campaigns`).toBeLessThan(1 / 6);
      expect(taken).toBeGreaterThan(0);
    }
  });
});
