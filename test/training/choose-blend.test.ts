import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { blendOf, formsOf, hasOwnLogits } from '../../src/model/blend.ts';
import {
  chooseBlend,
  comparedSettings,
  fitStackBefore,
  isLevel,
  LIBRARY,
  libraryOf,
  stackBefore,
  stackWhereFew,
  withStack,
} from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import type { TrialLogits } from '../../src/training/choices/head-trials.ts';

const ROWS = 600;
const ALONE = { strength: 0.02, power: 0.25 };
const COLUMNS = LIBRARY.length + 2;
/** The columns of the heads, of a part of the library and of the regression alone. */
const [HEADS_AT, FIRST_REGRESSION, ALONE_AT] = [
  0,
  1 + LIBRARY.findIndex(({ kind }) => kind === 'regression'),
  COLUMNS - 1,
];

/** How much of the truth each column knows, from 0 to 1; the truth is what makes a user a member. */
function campaignsOf(count: number, knows: (column: number) => number, width = COLUMNS): TrialLogits[][] {
  return Array.from({ length: count }, (_, c) =>
    [10, 50, 200].map((seeds) => {
      const rng = createRng(`${c}/${seeds}`);
      const truth = Float64Array.from({ length: ROWS }, () => rng.normal());
      const labels = Uint8Array.from(truth, (x) => (rng.uniform() < 1 / (1 + Math.exp(3 - 2 * x)) ? 1 : 0));
      const columns = Array.from({ length: width }, (_, k) => {
        const known = knows(k);
        return Float32Array.from(truth, (x) => known * x + Math.sqrt(1 - known ** 2) * rng.normal());
      });
      return { seeds, labels, columns };
    }),
  );
}

const choose = (campaigns: readonly TrialLogits[][]) =>
  chooseBlend(DEFAULT_DESCENT, campaigns, ALONE, stackBefore(LIBRARY));

describe('isLevel', () => {
  it.each([
    ['ahead, however unsure', 0.0001, 0.01, true],
    ['hardly behind, and surely so', -0.0004, 0.0005, true],
    ['hardly behind, but unsure', -0.0004, 0.001, false],
    ['surely behind', -0.005, 0.001, false],
  ])('decides whether a blend that is %s is as good', (_, mean, error, expected) => {
    expect(isLevel({ utility: { mean, error } })).toBe(expected);
  });
});

describe('chooseBlend', () => {
  it('keeps the heads if they know something that no regression does', () => {
    const { settings, choice } = choose(campaignsOf(12, (k) => (k === HEADS_AT ? 0.9 : 0.5)));
    expect(choice.kind).toBe('stack');
    expect(choice.campaigns).toBe(12);
    expect(choice.gain!.auc.mean).toBeGreaterThan(0.05);
    expect(settings.stack!.heads.many).toBeGreaterThan(0.5);
    expect(settings.companion ?? settings.regression).toBeUndefined();
    expect(settings.stack!.parameter).toBe(HEADS.regression);
    expect(choice.tried.map(({ kind, gain }) => [kind, gain.auc.mean < 0])).toEqual([
      ['closed forms', true],
      ['regression', true],
    ]);
  });

  it('leaves the heads out if they know nothing', () => {
    const { settings, choice } = choose(campaignsOf(12, (k) => (k === HEADS_AT ? 0 : k === ALONE_AT ? 0.6 : 0.8)));
    expect(choice.kind).toBe('closed forms');
    expect(choice.gain!.auc.mean).toBeGreaterThan(0.05);
    expect(hasOwnLogits(settings)).toBe(false);
    expect(blendOf(settings).parts.length).toBeGreaterThan(3);
  });

  it('is the regression alone if nothing is better', () => {
    const { settings, choice } = choose(campaignsOf(12, (k) => (k === ALONE_AT ? 0.9 : 0)));
    expect(choice.kind).toBe('regression');
    expect(blendOf(settings)).toEqual({
      heads: { few: 0, many: 0 },
      parts: [{ form: { kind: 'regression', ...ALONE }, share: { few: 1, many: 1 } }],
    });
  });

  it('is not the regression alone if closed forms that are as good as the stack are surely better', () => {
    // the heads are right about some campaigns and wrong about the others, so that a stack with them is worse
    const [right, wrong] = [0.5, -0.5].map((heads) =>
      campaignsOf(12, (k) => (k === HEADS_AT ? heads : k === ALONE_AT ? 0.68 : k === FIRST_REGRESSION ? 0.7 : 0)),
    );
    const { settings, choice } = choose(right!.map((own, c) => (c % 4 < 2 ? own : wrong![c]!)));
    const [closed, alone] = choice.tried.map(({ gain }) => gain.utility);
    expect([isLevel({ utility: closed! }), isLevel({ utility: alone! })]).toEqual([true, true]);
    expect(closed!.mean).toBeGreaterThan(alone!.mean + 0.002);
    expect(choice.kind).toBe('closed forms');
    expect(hasOwnLogits(settings)).toBe(false);
  });

  it('accepts only logits of its own library', () => {
    const campaigns = campaignsOf(4, () => 0.5, COLUMNS + 1);
    const message = `${COLUMNS + 1} columns of logits, not the ${COLUMNS}`;
    expect(() => choose(campaigns)).toThrow(message);
    expect(() => fitStackBefore(DEFAULT_DESCENT, campaigns)).toThrow(message);
  });

  it('leaves out parts that hardly count', () => {
    const { settings } = choose(campaignsOf(12, (k) => (k === HEADS_AT || k === FIRST_REGRESSION ? 0.7 : 0)));
    const { parts } = blendOf(settings);
    expect(parts.map(({ form }) => form)).toContainEqual(LIBRARY[FIRST_REGRESSION - 1]);
    expect(parts.length).toBeLessThan(LIBRARY.length);
    const most = parts.map(({ share }) => Math.max(share.few, share.many));
    expect(Math.min(...most)).toBeGreaterThan(0.01);
  });

  it('stays near the earlier stack, and chooses nothing, on few campaigns', () => {
    const { settings, choice } = choose(campaignsOf(3, (k) => (k === HEADS_AT ? 0 : 0.8)));
    expect(choice).toEqual({ kind: 'stack', campaigns: 3, gain: null, tried: [] });
    expect(hasOwnLogits(settings)).toBe(true);
    expect(blendOf(chooseBlend(DEFAULT_DESCENT, [], ALONE, stackBefore(LIBRARY)).settings)).toEqual(
      blendOf(withStack(DEFAULT_DESCENT, LIBRARY, stackBefore(LIBRARY))),
    );
  });
});

describe('fitStackBefore', () => {
  it("finds what the parts are worth, and leaves the heads' weight as it is", () => {
    const [heads, ...parts] = fitStackBefore(
      DEFAULT_DESCENT,
      campaignsOf(12, (k) => (k === FIRST_REGRESSION ? 0.9 : 0)),
    );
    expect(heads).toEqual({ few: 0.5, many: 0.5 });
    const best = parts[FIRST_REGRESSION - 1]!;
    expect(Math.min(best.few, best.many)).toBeGreaterThan(
      10 * Math.max(...parts.map((own) => (own === best ? 0 : own.many))),
    );
  });
});

describe('libraryOf', () => {
  it('leaves out logistic regressions on parameters that a model does not adapt', () => {
    const { [HEADS.query]: _, ...rates } = DEFAULT_DESCENT.rates;
    const left = libraryOf({ rates });
    expect(left.length).toBe(LIBRARY.length - 1);
    expect(JSON.stringify(left)).not.toContain(HEADS.query);
    expect(libraryOf(DEFAULT_DESCENT)).toEqual(LIBRARY);
  });
});

describe('the library, with the regressions chosen alone', () => {
  const chosen = (
    { strength, power }: { strength: number; power: number },
    strengths: Readonly<Record<string, number>> = { [HEADS.wide]: 0.02 },
  ) => ({
    ...DEFAULT_DESCENT,
    regression: { ...DEFAULT_DESCENT.regression!, strength, power },
    companion: { strengths, weight: 1 },
  });
  const joined = (settings: typeof DEFAULT_DESCENT) => libraryOf(settings).filter((form) => !LIBRARY.includes(form));

  it('has a regression that is weaker, stronger, or of a higher power than all of its own', () => {
    for (const own of [
      { strength: 0.00057, power: 0.25 },
      { strength: 1.5, power: 0 },
      { strength: 0.05, power: 0.5 },
    ])
      expect(joined(chosen(own))).toEqual([{ kind: 'regression', ...own }]);
    for (const own of [
      { strength: 0.0017, power: 0.25 },
      { strength: 0.5, power: 0.125 },
    ])
      expect(joined(chosen(own))).toEqual([]);
  });

  it('has a logistic regression with strengths outside its own, if the model has the parameters', () => {
    const joinedWith = (strengths: Readonly<Record<string, number>>) => joined(chosen(ALONE, strengths));
    expect(joinedWith({ [HEADS.wide]: 0.3 })).toEqual([{ kind: 'logistic', strengths: { [HEADS.wide]: 0.3 } }]);
    const both = { [HEADS.wide]: 0.02, [HEADS.query]: 0.01 };
    expect(joinedWith(both)).toEqual([{ kind: 'logistic', strengths: both }]);
    expect(joinedWith({ [HEADS.wide]: 0.05 })).toEqual([]);
    const { [HEADS.query]: _, ...rates } = DEFAULT_DESCENT.rates;
    expect(libraryOf({ ...chosen(ALONE, both), rates })).toHaveLength(LIBRARY.length - 1);
  });

  it('is in the order of the columns of logits', () => {
    const settings = chosen({ strength: 1.5, power: 0 }, { [HEADS.wide]: 0.3 });
    expect(joined(settings)).toHaveLength(2);
    expect(formsOf(comparedSettings(settings, ALONE))).toEqual([
      ...libraryOf(settings),
      { kind: 'regression', ...ALONE },
    ]);
  });

  it('gives the stack a part that knows something that no other does', () => {
    const own = { strength: 0.00057, power: 0.25 };
    const settings = chosen(own);
    const columns = LIBRARY.length + 3;
    const joinedAt = LIBRARY.length + 1;
    const campaigns = campaignsOf(12, (k) => (k >= joinedAt ? 0.8 : k === HEADS_AT ? 0.6 : 0), columns);
    const compared = comparedSettings(settings, own);
    expect(blendOf(compared).parts).toHaveLength(columns - 1);
    const before = fitStackBefore(settings, campaigns);
    expect(before).toHaveLength(columns - 1);
    const { settings: blended, choice } = chooseBlend(settings, campaigns, own, before);
    expect(choice.kind).toBe('stack');
    const part = blendOf(blended).parts.find(({ form }) => form.kind === 'regression' && form.strength === 0.00057)!;
    expect(part.share.many).toBeGreaterThan(0.3);
    expect(choice.gain!.auc.mean).toBeGreaterThan(0);
    expect(stackWhereFew(settings)).toHaveLength(columns - 1);
  });
});
