import { describe, expect, it } from 'vitest';
import { blendOf, hasOwnLogits, weightFor } from '../../src/model/blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';

const { companion, regression, ...plain } = DEFAULT_DESCENT;

describe('blendOf', () => {
  it('gives a companion and a regression the same weight for any number of seeds', () => {
    expect(blendOf(DEFAULT_DESCENT)).toEqual({
      heads: { few: 1, many: 1 },
      parts: [
        {
          form: { kind: 'logistic', strengths: companion!.strengths },
          share: { few: companion!.weight, many: companion!.weight },
        },
        {
          form: { kind: 'regression', strength: regression!.strength, power: regression!.power },
          share: { few: regression!.weight, many: regression!.weight },
        },
      ],
    });
    expect(blendOf(plain)).toEqual({ heads: { few: 1, many: 1 }, parts: [] });
  });

  it('has the parts of a stack, and no heads if they have no share', () => {
    const none = { few: 0, many: 0 };
    const part = { strength: 0.1, power: 0, few: 0.5, many: 1 };
    const stack = { parameter: 'r', heads: none, companions: [], regressions: [part] };
    expect(blendOf({ ...plain, stack })).toEqual({
      heads: none,
      parts: [{ form: { kind: 'regression', strength: 0.1, power: 0 }, share: { few: 0.5, many: 1 } }],
    });
    expect(hasOwnLogits({ ...plain, stack })).toBe(false);
    expect(hasOwnLogits({ ...plain, stack: { ...stack, heads: { few: 0, many: 0.1 } } })).toBe(true);
    expect(hasOwnLogits(plain)).toBe(true);
  });
});

describe('weightFor', () => {
  it('is linear in the logarithm between 10 and 250 seeds, and constant beyond', () => {
    const share = { few: 1, many: 3 };
    expect([1, 10, 50, 250, 10_000].map((seeds) => weightFor(share, seeds))).toEqual([
      1,
      1,
      expect.closeTo(2, 12),
      3,
      3,
    ]);
  });
});
