import { describe, expect, it } from 'vitest';
import { describeBlend } from '../../src/cli/commands/training/choices.ts';
import { describeGain } from '../../src/cli/commands/training/evaluate.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { type BlendKind, withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';

const gain = {
  auc: { mean: 0.0123, error: 0.001 },
  precision: { mean: -0.002, error: 0.003 },
  utility: { mean: 0.0118, error: 0.001 },
};
const forms = [
  { kind: 'logistic' as const, strengths: { 'heads.wide': 0.1 } },
  { kind: 'regression' as const, strength: 0.005, power: 0.25 },
  { kind: 'regression' as const, strength: 0.05, power: 0 },
];
const settingsWith = (heads: number) =>
  withStack(DEFAULT_DESCENT, forms, [
    { few: heads, many: heads },
    { few: 0.2, many: 0 },
    { few: 0.2, many: 0.4 },
    { few: 0.3, many: 0.3 },
  ]);
const of = (kind: BlendKind, heads: number, own: typeof gain | null = gain, campaigns = 23) =>
  describeBlend(settingsWith(heads), { kind, campaigns, gain: own, tried: [] });

describe('describeBlend', () => {
  it('says what the model is made of, and what that gains over the regression alone', () => {
    expect(of('stack', 0.3)).toEqual([
      'parts of the model: heads 0.30, regression 0.60 (strengths 0.005, 0.05), logistic regression 0.10; ' +
        'AUC +0.0123 [+0.0101, +0.0145], precision@5% -0.002 [-0.009, +0.005] over the regression alone, on the 23 ' +
        'held-out campaigns used to choose the parts',
    ]);
  });

  it('is surer the more campaigns there are', () => {
    expect(of('stack', 0.3, gain, 4)[0]).toContain('AUC +0.0123 [+0.0093, +0.0153]');
    expect(of('stack', 0.3, gain, 1000)[0]).toContain('AUC +0.0123 [+0.0103, +0.0143]');
  });

  it('says what a model is made of for which nothing was chosen, and nothing of one without a stack', () => {
    expect(describeBlend(settingsWith(0.3), null)).toEqual([
      'parts of the model: heads 0.30, regression 0.60 (strengths 0.005, 0.05), logistic regression 0.10',
    ]);
    expect(describeBlend(DEFAULT_DESCENT, null)).toEqual([]);
    expect(describeBlend(DEFAULT_ADAPTATION, null)).toEqual([]);
  });

  it('names no part that does not count, and says why the heads are left out', () => {
    expect(of('closed forms', 0)).toEqual([
      expect.stringMatching(/^parts of the model: regression 0\.86 \(strengths 0\.005, 0\.05\), logistic regression/),
      'the trained heads gain less than 0.001 (AUC + precision@5% / 4) over the regressions, so the model leaves the heads out',
    ]);
  });

  it('compares the regression alone with nothing, and gives no gain where none was measured', () => {
    for (const lines of [of('regression', 0), of('stack', 0.3, null)])
      expect(lines[0]).toMatch(/^parts of the model: [^;]+$/);
    expect(of('regression', 0)[1]).toBe(
      'no other part gains 0.001 (AUC + precision@5% / 4) over the regression, so the model is only a regression',
    );
  });
});

describe('describeGain', () => {
  type Bounds = readonly [number, number];
  const interval = ([low, high]: Bounds) => ({ mean: (low + high) / 2, low, high });
  const over = (baselines: Readonly<Record<string, readonly [auc: Bounds, precision: Bounds]>>) =>
    describeGain({
      differences: Object.fromEntries(
        Object.entries(baselines).map(([name, [auc, precision]]) => [
          name,
          { all: { campaigns: 10, auc: interval(auc), precision: { '0.05': interval(precision) } } },
        ]),
      ),
    } as unknown as Parameters<typeof describeGain>[0])[0];
  const said = (auc: Bounds, precision: Bounds) => over({ population_ridge: [auc, precision] });

  it('says that training paid where one measure is surely ahead of each baseline and none behind', () => {
    expect(said([0.001, 0.003], [-0.01, 0.02])).toBe(
      'Training paid off: AUC +0.0020 [+0.0010, +0.0030], precision@5% +0.005 [-0.010, +0.020] over population_ridge, ' +
        'the best baseline.',
    );
    expect(said([-0.001, 0.003], [0.001, 0.02])).toMatch(/^Training paid off: /);
  });

  it('says that it did not where one is surely behind, and that it cannot be told where neither is sure', () => {
    expect(said([-0.003, -0.001], [-0.01, 0.02])).toMatch(/^Training did not pay off: .* best baseline\.$/);
    expect(said([0.001, 0.003], [-0.02, -0.01])).toMatch(/^Training did not pay off: /);
    for (const [auc, precision] of [
      [
        [-0.001, 0.003],
        [-0.01, 0.02],
      ],
      // surely ahead in one measure, and behind in the other in the mean
      [
        [0.001, 0.003],
        [-0.03, 0.02],
      ],
    ] as const)
      expect(said(auc, precision)).toMatch(/^These campaigns do not show whether training paid off: /);
  });

  const FAR_BEHIND = [
    [0.02, 0.04],
    [0.01, 0.02],
  ] as const;

  it('compares with the best baseline, and not with models that were given', () => {
    expect(
      over({
        population_ridge: FAR_BEHIND,
        naive_bayes: [
          [-0.004, -0.002],
          [-0.01, 0.01],
        ],
        'other model': [
          [-0.1, -0.1],
          [-0.1, -0.1],
        ],
      }),
    ).toMatch(/^Training did not pay off: .* over naive_bayes, /);
  });

  it('is behind a baseline that is surely ahead in one measure, also where another is the best', () => {
    expect(
      over({
        population_ridge: [
          [0.001, 0.003],
          [0.001, 0.003],
        ],
        naive_bayes: [
          [0.02, 0.04],
          [-0.04, -0.02],
        ],
      }),
    ).toMatch(
      /^Training did not pay off: .* over population_ridge, .*; significantly behind naive_bayes in one of the two measures\.$/,
    );
  });

  it('has to be surely ahead of every baseline', () => {
    const best = [
      [0.001, 0.003],
      [0, 0.004],
    ] as const;
    expect(over({ population_ridge: best, centroid: FAR_BEHIND })).toMatch(
      /^Training paid off: .* over population_ridge, /,
    );
    const unsure = [
      [-0.001, 0.09],
      [-0.01, 0.09],
    ] as const;
    expect(over({ population_ridge: best, user_knn: unsure })).toMatch(
      /^These campaigns do not show whether training paid off/,
    );
  });

  it('says nothing where no baseline was run', () => {
    expect(describeGain({ differences: {} })).toEqual([]);
  });
});
