/** The rule of choice: surely better, else simpler and no worse, else the default. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import {
  type Alternative,
  chooseByEvidence,
  chooseSettingByEvidence,
  type Gain,
  gainOf,
  LEAST_CAMPAIGNS,
  LEAST_GAIN,
  shrunkenGain,
} from '../../src/training/choices/evidence.ts';

/** Only the gain in utility counts. */
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

  it('does not take a gain that is sure but too small to matter', () => {
    expect(chooseByEvidence([added(0.99 * LEAST_GAIN)], 20)).toBe(-1);
    expect(chooseByEvidence([added(1.01 * LEAST_GAIN)], 20)).toBe(0);
  });

  it('takes something simpler if it is surely no worse', () => {
    expect(chooseByEvidence([simpler(0)], 8)).toBe(0);
    expect(chooseByEvidence([simpler(-0.9 * LEAST_GAIN)], 8)).toBe(0);
    expect(chooseByEvidence([simpler(-1.1 * LEAST_GAIN)], 8)).toBe(-1);
    // it may be worse: 0 less 2.5 errors
    expect(chooseByEvidence([simpler(0, 0.001)], 8)).toBe(-1);
    expect(chooseByEvidence([added(0)], 8)).toBe(-1);
  });

  it('prefers something surely better to something simpler and level', () => {
    expect(chooseByEvidence([simpler(0), added(0.01), simpler(0.0001)], 8)).toBe(1);
    expect(chooseByEvidence([simpler(0), added(0.01, 0.01), simpler(0.0001)], 8)).toBe(2);
  });

  it('takes the first of equals, and nothing of none', () => {
    expect(chooseByEvidence([added(0.01), added(0.01)], 8)).toBe(0);
    expect(chooseByEvidence([], 8)).toBe(-1);
  });

  it('concludes nothing from few campaigns', () => {
    const clear = [added(0.5), simpler(0.5)];
    expect(chooseByEvidence(clear, LEAST_CAMPAIGNS - 1)).toBe(-1);
    expect(chooseByEvidence(clear, LEAST_CAMPAIGNS)).toBe(0);
  });

  it('seldom takes noise: one of five equal alternatives in fewer than one choice in six', () => {
    for (const campaigns of [4, 8, 24]) {
      let taken = 0;
      for (let sample = 0; sample < 300; sample++) {
        const rng = createRng(`${campaigns}/${sample}`);
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

describe('shrunkenGain', () => {
  it('is the posterior mean with the prior N(-.001, .005^2)', () => {
    // 8 campaigns: the error counts 1.25 times, so .004 is .005, as wide as the prior
    expect(shrunkenGain(gain(0.006, 0.004), 8)).toBeCloseTo((0.006 - 0.001) / 2, 5);
    // .013^2 - .005^2 is .012^2: the prior is that wide
    const [seen, prior] = [1 / 0.005 ** 2, 1 / 0.012 ** 2];
    expect(shrunkenGain(gain(0.013, 0.004), 8)).toBeCloseTo((0.013 * seen - 0.001 * prior) / (seen + prior), 5);
  });

  it('trusts precise evidence, and not vague evidence', () => {
    expect(shrunkenGain(gain(0.02, 0), 8)).toBeCloseTo(0.02, 4);
    expect(shrunkenGain(gain(0.02, 1), 8)).toBeCloseTo(-0.001, 4);
    expect(shrunkenGain(gain(0.02, 0.01), 4)).toBeLessThan(shrunkenGain(gain(0.02, 0.01), 40));
  });
});

describe('chooseSettingByEvidence', () => {
  it('takes the setting with the largest expected gain, not the largest gain', () => {
    expect(chooseSettingByEvidence([gain(0.004, 0.001), gain(0.008, 0.02), gain(0.005, 0.0011)], 20)).toBe(2);
  });

  it('keeps the default if other gains are too small, or there are too few campaigns', () => {
    expect(chooseSettingByEvidence([gain(-0.01, 0.001), gain(0.9 * LEAST_GAIN, 0)], 20)).toBe(-1);
    expect(chooseSettingByEvidence([gain(0.01, 0)], 1)).toBe(-1);
    expect(chooseSettingByEvidence([gain(0.01, 0)], 2)).toBe(0);
    expect(chooseSettingByEvidence([], 20)).toBe(-1);
  });
});
