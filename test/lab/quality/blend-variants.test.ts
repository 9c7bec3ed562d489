/** Variants of the choice leave out what they name, and choose with the product's own code. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Axis,
  chooseVariant,
  type Evidence,
  formsOfVariants,
  measureBlend,
  VARIANTS,
  type Variant,
} from '../../../packages/lab/quality/blend-variants.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { blendOf, formsOf, hasOwnLogits } from '../../../src/model/blend.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { chooseBlend, fitStackBefore, libraryOf } from '../../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import type { TrialLogits } from '../../../src/training/choices/head-trials.ts';

const ROWS = 600;
/** The best setting of extended grids. */
const SETTINGS: DescentSettings = {
  ...DEFAULT_DESCENT,
  regression: { ...DEFAULT_DESCENT.regression!, strength: 1.5, power: 0.5 },
};
/** The edge of a grid that was not extended. */
const EDGE: DescentSettings = { ...SETTINGS, regression: { ...SETTINGS.regression!, strength: 0.5, power: 0.5 } };
const FORMS = formsOf(formsOfVariants(SETTINGS, EDGE));
const variant = (name: string): Variant => VARIANTS.find((one) => one.name === name)!;
const ALONE = 1 + FORMS.findIndex((form) => form.kind === 'regression' && form.strength === 1.5);
const AT_EDGE =
  1 + FORMS.findIndex((form) => form.kind === 'regression' && form.power === 0.5 && form.strength === 0.5);

/** How much of the truth a column has with so many seeds, from 0 to 1. */
type Knows = (column: number, seeds: number) => number;

function campaignsOf(count: number, knows: Knows, key: string): TrialLogits[][] {
  return Array.from({ length: count }, (_, c) =>
    [10, 200].map((seeds) => {
      const rng = createRng(`${key}/${c}/${seeds}`);
      const truth = Float64Array.from({ length: ROWS }, () => rng.normal());
      const labels = Uint8Array.from(truth, (x) => (rng.uniform() < 1 / (1 + Math.exp(3 - 2 * x)) ? 1 : 0));
      const columns = Array.from({ length: FORMS.length + 1 }, (_, k) => {
        const known = knows(k, seeds);
        return Float32Array.from(truth, (x) => known * x + Math.sqrt(1 - known ** 2) * rng.normal());
      });
      return { seeds, labels, columns };
    }),
  );
}

function evidenceOf(found: Knows, equal = found): Evidence {
  const trials = (knows: Knows, key: string) => ({
    start: campaignsOf(8, knows, `${key}/start`),
    held: campaignsOf(8, knows, `${key}/held`),
  });
  return {
    settings: SETTINGS,
    ungrown: EDGE,
    forms: FORMS,
    trials: { found: trials(found, 'found'), equal: trials(equal, 'equal') },
  };
}

const heads: Knows = (column) => (column === 0 ? 0.9 : 0.4);
const regressions: Knows = (column) => (column === 0 ? 0.1 : 0.8);

describe('VARIANTS', () => {
  it('have distinct names, with the current choice first', () => {
    expect(new Set(VARIANTS.map(({ name }) => name)).size).toBe(VARIANTS.length);
    expect(VARIANTS[0]).toEqual({ name: 'full', has: ['protocol', 'stack', 'seeds', 'grids'] satisfies Axis[] });
  });
});

describe('chooseVariant', () => {
  let evidence: Evidence;
  beforeAll(() => {
    evidence = evidenceOf(heads, regressions);
  });

  it('makes the same choice as training if nothing is left out', async () => {
    const { strength, power } = SETTINGS.regression!;
    const alone = { strength, power };
    const columns = [...libraryOf(SETTINGS), { kind: 'regression', ...alone }].map(
      (form) => 1 + FORMS.findIndex((one) => JSON.stringify(one) === JSON.stringify(form)),
    );
    const trained = (campaigns: Evidence['trials']['found']['start']) =>
      campaigns.map((own) =>
        own.map((trial) => ({ ...trial, columns: [0, ...columns].map((column) => trial.columns[column]!) })),
      );
    const { start, held } = evidence.trials.found;
    const before = fitStackBefore(SETTINGS, trained(start));
    const { settings } = chooseBlend(SETTINGS, trained(held), alone, before);
    expect(await chooseVariant(evidence, variant('full'))).toEqual({ settings, seeds: null });
    expect(hasOwnLogits(settings)).toBe(true);
  });

  it('chooses on trials with equal shares without the protocol', async () => {
    const headsOf = async (name: string) => blendOf((await chooseVariant(evidence, variant(name))).settings).heads.many;
    expect(await headsOf('full')).toBeGreaterThan(0.5);
    expect(await headsOf('no protocol')).toBeLessThan(0.2);
  });

  it('weighs all numbers of seeds alike without weights by seeds', async () => {
    const bySeeds = evidenceOf((column, seeds) => ((column === 0) === seeds > 50 ? 0.9 : 0.2));
    const full = (await chooseVariant(bySeeds, variant('full'))).settings;
    expect(full.stack!.heads.many).toBeGreaterThan(full.stack!.heads.few + 0.5);
    const flat = await chooseVariant(bySeeds, variant('no seeds'));
    const [few, many] = bySeeds.trials.found.held[0]!;
    const scored = (trial: TrialLogits) => measureBlend(trial, FORMS, flat);
    expect(scored({ ...few!, seeds: many!.seeds })).toEqual(scored(few!));
    expect(scored(many!).auc).toBeLessThan(measureBlend(many!, FORMS, { settings: full, seeds: null }).auc);
  });

  it('weighs one logistic and one whole-population regression without a stack, up to the end of the grid', async () => {
    const known = evidenceOf((column) => (column === ALONE || column === AT_EDGE ? 0.95 : 0));
    const { settings, seeds } = await chooseVariant(known, variant('none'));
    expect(seeds).toBeNull();
    expect(settings.stack).toBeUndefined();
    expect(settings.regression).toEqual({ ...EDGE.regression, weight: 8 });
    const grown = blendOf((await chooseVariant(known, variant('no stack'))).settings);
    const regression = grown.parts.find(({ form }) => form.kind === 'regression')!.share.few;
    expect(grown.heads.few).toBeLessThan(regression / 8);
  });

  it('uses nothing outside the library with a stack and fixed grids', async () => {
    const known = evidenceOf((column) => (column === ALONE ? 0.9 : 0.3));
    const strengthsOf = async (name: string) =>
      blendOf((await chooseVariant(known, variant(name))).settings).parts.map(({ form }) => JSON.stringify(form));
    const joined = JSON.stringify(FORMS[ALONE - 1]);
    expect(await strengthsOf('full')).toContain(joined);
    expect(await strengthsOf('no grids')).not.toContain(joined);
  });

  it.each([
    ['no heads', 'heads'],
    ['no companions', 'logistic'],
    ['no regressions', 'regression'],
  ])('serves no part that is left out: %s', async (name, part) => {
    const everything = evidenceOf(() => 0.6);
    const { heads: own, parts } = blendOf((await chooseVariant(everything, variant(name))).settings);
    const kinds = [...(own.many > 0 ? ['heads'] : []), ...parts.map(({ form }) => form.kind)];
    expect(new Set(kinds)).toEqual(new Set(['heads', 'logistic', 'regression'].filter((kind) => kind !== part)));
  });
});

describe('measureBlend', () => {
  it('ranks by the weighted sum of the columns', async () => {
    const [trial] = campaignsOf(1, regressions, 'measured')[0]!;
    const blend = await chooseVariant(evidenceOf(heads), variant('regression alone'));
    const expected = measureBlend(
      { ...trial!, columns: trial!.columns.map(() => trial!.columns[ALONE]!) },
      FORMS,
      await chooseVariant(evidenceOf(heads), variant('full')),
    );
    expect(measureBlend(trial!, FORMS, blend)).toEqual(expected);
  });
});
