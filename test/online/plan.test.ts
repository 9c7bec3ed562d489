/** Adaptation plans: what they depend on, and what they sample. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdamSettings } from '../../src/model/manifest.ts';
import { type AdaptationPlan, type PlannedPass, planKey, samplePlan } from '../../src/online/plan.ts';

describe('planKey', () => {
  const rows = (...numbers: number[]) => Int32Array.from(numbers);
  const WHAT = {
    modelVersion: 'm',
    populationVersion: 'p',
    features: { topic: 'a', words: ['b', 'c'] },
    filters: { country: ['DE', 'AT'], age: ['20'] } as Record<string, readonly string[]>,
    seeds: rows(1, 2, 10),
    seedWeights: undefined as Float32Array | undefined,
    seedRows: undefined as string | undefined,
    suppressed: rows(3),
    dismissed: rows(4, 5),
    negativeWeight: 1,
  };

  it('does not depend on the weight of dismissed users if there are none', () => {
    const what = { ...WHAT, dismissed: rows() };
    expect(planKey({ ...what, negativeWeight: 2 })).toBe(planKey(what));
  });

  it('does not depend on the order of features and filters, nor on that of tokens or their repeats', () => {
    const filters = { age: ['20'], country: ['AT', 'DE', 'AT'] };
    expect(planKey({ ...WHAT, filters, features: { words: ['b', 'c'], topic: 'a' } })).toBe(planKey(WHAT));
  });

  it.each<[string, Partial<typeof WHAT>]>([
    ['the model', { modelVersion: 'n' }],
    ['the population', { populationVersion: 'q' }],
    ['a seed', { seeds: rows(1, 2, 11) }],
    ['a weight', { seedWeights: Float32Array.of(1.5, 0.75, 0.75) }],
    ['seeds who are not in the population', { seedRows: 'sha256' }],
    ['the weight of dismissed users', { negativeWeight: 2 }],
    ['one seed fewer', { seeds: rows(1, 2) }],
    ['a suppressed user', { suppressed: rows(6) }],
    ['a seed that is suppressed instead', { seeds: rows(1, 2), suppressed: rows(3, 10) }],
    ['a suppressed user who is dismissed instead', { suppressed: rows(), dismissed: rows(3, 4, 5) }],
    ['a filter', { filters: { country: ['DE', 'AT'] } }],
    ['a token of a filter', { filters: { country: ['DE'], age: ['20'] } }],
    ['a value of the campaign', { features: { topic: 'b', words: ['b', 'c'] } }],
    ['a value of a list', { features: { topic: 'a', words: ['b'] } }],
    ['the order of a list', { features: { topic: 'a', words: ['c', 'b'] } }],
  ])('changes with %s', (_, change) => {
    expect(planKey({ ...WHAT, ...change })).not.toBe(planKey(WHAT));
  });
});

const SETTINGS: AdamSettings = {
  optimiser: 'adam',
  rate: 0.003,
  epochs: 3,
  batch: 16,
  negatives_per_seed: 2,
  resample_negatives: true,
  early_stopping: { held_out_share: 0.2, minimum_held_out: 3 },
};

interface Sampled {
  readonly key: string;
  readonly seeds: Int32Array;
  readonly candidates: Int32Array;
  readonly settings: AdamSettings;
  readonly plan: AdaptationPlan;
}

/** Seeds and candidates of any share of a population of up to 150 rows, with any settings. */
const plans = fc
  .record({
    key: fc.string(),
    isSeed: fc.array(fc.boolean(), { minLength: 2, maxLength: 150 }),
    epochs: fc.integer({ min: 1, max: 4 }),
    batch: fc.integer({ min: 1, max: 40 }),
    negatives: fc.constantFrom(0.5, 1, 3, 20),
    resample: fc.boolean(),
    minimum: fc.constantFrom(1, 5),
    share: fc.constantFrom(0.1, 0.2, 0.5),
  })
  .map(({ key, isSeed, epochs, batch, negatives, resample, minimum, share }): Sampled => {
    const rows = Int32Array.from(isSeed.keys());
    const seeds = rows.filter((row) => isSeed[row]);
    const candidates = rows.filter((row) => !isSeed[row]);
    const settings: AdamSettings = {
      ...SETTINGS,
      epochs,
      batch,
      negatives_per_seed: negatives,
      resample_negatives: resample,
      early_stopping: { held_out_share: share, minimum_held_out: minimum },
    };
    return { key, seeds, candidates, settings, plan: samplePlan(key, { seeds, candidates }, settings) };
  })
  .filter(({ seeds, candidates }) => seeds.length > 0 && candidates.length > 0);

const passesOf = ({ plan, seeds }: Sampled): { pass: PlannedPass; positives: Int32Array }[] => {
  const folds = plan.folds.map((pass) => ({ pass, positives: seeds.filter((row) => !pass.heldOut.includes(row)) }));
  return [{ pass: plan.final, positives: seeds }, ...folds];
};

const rowsOf = (epoch: PlannedPass['epochs'][number], label: number): number[] =>
  epoch.flatMap(({ rows, labels }) => [...rows].filter((_, i) => labels[i] === label));
const ascending = (rows: Iterable<number>): number[] => [...rows].sort((a, b) => a - b);

describe('drawPlan', () => {
  it('shows each positive once an epoch', () => {
    fc.assert(
      fc.property(plans, (sampled) => {
        for (const { pass, positives } of passesOf(sampled)) {
          expect(pass.epochs.length).toBe(sampled.settings.epochs);
          for (const epoch of pass.epochs) expect(ascending(rowsOf(epoch, 1))).toEqual([...positives]);
        }
      }),
    );
  });

  it('samples negatives from the candidates without replacement within an epoch, all of them where they are too few', () => {
    fc.assert(
      fc.property(plans, (sampled) => {
        const { settings, plan } = sampled;
        for (const { pass, positives } of passesOf(sampled)) {
          const isOther = new Set(pass === plan.final ? [] : plan.others);
          const candidates = sampled.candidates.filter((row) => !isOther.has(row));
          const isCandidate = new Set(candidates);
          const wanted = Math.round(positives.length * settings.negatives_per_seed);
          for (const epoch of pass.epochs) {
            const negatives = rowsOf(epoch, 0);
            expect(negatives.every((row) => isCandidate.has(row))).toBe(true);
            expect(new Set(negatives).size).toBe(negatives.length);
            expect(negatives.length).toBe(Math.min(wanted, candidates.length));
          }
        }
      }),
    );
  });

  it('samples negatives again each epoch, or keeps those of the first', () => {
    const rows = Int32Array.from({ length: 400 }, (_, i) => i);
    for (const resample of [true, false]) {
      const settings = { ...SETTINGS, resample_negatives: resample };
      const { final } = samplePlan('k', { seeds: rows.slice(0, 20), candidates: rows.slice(20) }, settings);
      const [first, ...others] = final.epochs.map((epoch) => ascending(rowsOf(epoch, 0)));
      for (const other of others) {
        if (resample) expect(other).not.toEqual(first);
        else expect(other).toEqual(first);
      }
      // the order is new in either case
      expect(final.epochs[1]![0]!.rows).not.toEqual(final.epochs[0]![0]!.rows);
    }
  });

  it('holds out every seed once, in folds whose steps do not see it, and ranks them against candidates', () => {
    fc.assert(
      fc.property(plans, (sampled) => {
        const { plan, seeds, candidates, settings } = sampled;
        const stopping = settings.early_stopping!;
        const parts = Math.round(1 / stopping.held_out_share);
        const { folds, others } = plan;
        if (seeds.length < Math.max(parts, stopping.minimum_held_out) || candidates.length < 2) {
          expect(folds).toEqual([]);
          return;
        }
        expect(folds.length).toBe(parts);
        expect(ascending(folds.flatMap(({ heldOut }) => [...heldOut]))).toEqual([...seeds]);
        expect(new Set(others).size).toBe(Math.ceil(candidates.length / 4));
        expect([...others].every((row) => candidates.includes(row))).toBe(true);
        for (const { heldOut, epochs } of folds) {
          expect(ascending(heldOut)).toEqual([...heldOut]);
          const seen = new Set(epochs.flat().flatMap(({ rows }) => [...rows]));
          expect([...heldOut, ...others].some((row) => seen.has(row))).toBe(false);
        }
      }),
    );
  });

  it('plans no more folds after a thousand seeds, and ranks them among two thousand candidates', () => {
    const rows = Int32Array.from({ length: 40_000 }, (_, i) => i);
    const users = { seeds: rows.slice(0, 3000), candidates: rows.slice(3000) };
    const { folds, others } = samplePlan('k', users, { ...SETTINGS, epochs: 1, batch: 65_536 });
    expect(folds.map(({ heldOut }) => heldOut.length)).toEqual([600, 600]);
    expect(others.length).toBe(2000);
    const negatives = folds.flatMap(({ epochs }) => rowsOf(epochs[0]!, 0));
    expect(new Set(negatives).size).toBeLessThanOrEqual(20_000);
  });

  it('cuts batches of nearly equal size, none over the limit and none empty', () => {
    fc.assert(
      fc.property(plans, (sampled) => {
        const { batch } = sampled.settings;
        for (const { pass } of passesOf(sampled)) {
          for (const epoch of pass.epochs) {
            const sizes = epoch.map(({ rows }) => rows.length);
            const total = sizes.reduce((a, b) => a + b, 0);
            expect(Math.max(...sizes)).toBeLessThanOrEqual(batch);
            expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
            expect(sizes.length).toBe(Math.ceil(total / batch));
            for (const { rows, labels } of epoch) expect(labels.length).toBe(rows.length);
          }
        }
      }),
    );
  });

  it('is fixed by its key', () => {
    fc.assert(
      fc.property(plans, ({ key, seeds, candidates, settings, plan }) => {
        expect(samplePlan(key, { seeds: seeds.slice(), candidates: candidates.slice() }, settings)).toEqual(plan);
      }),
      { numRuns: 30 },
    );
    const rows = Int32Array.from({ length: 100 }, (_, i) => i);
    const halves = { seeds: rows.slice(0, 30), candidates: rows.slice(30) };
    const sample = (key: string) => samplePlan(key, halves, SETTINGS);
    expect(sample('a')).not.toEqual(sample('b'));
  });

  it('samples the pass over all seeds equally, whether or not some are held out before it', () => {
    const rows = Int32Array.from({ length: 100 }, (_, i) => i);
    const sample = (early_stopping: AdamSettings['early_stopping']) =>
      samplePlan('a', { seeds: rows.slice(0, 30), candidates: rows.slice(30) }, { ...SETTINGS, early_stopping });
    expect(sample(SETTINGS.early_stopping).folds).toHaveLength(5);
    expect(sample(null).folds).toEqual([]);
    expect(sample(null).final).toEqual(sample(SETTINGS.early_stopping).final);
  });

  it('matches negatives to the seeds: as many of both fit the filters', () => {
    const rows = Int32Array.from({ length: 1200 }, (_, i) => i);
    const isInside = (row: number) => row % 3 === 0;
    const dismissed = Int32Array.of(450, 456, 462);
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const [inside, out] = [rows.filter(isInside), rows.filter((row) => !isInside(row))];
      const fitting = inside.slice(0, 80 * share);
      const users = {
        seeds: Int32Array.from([...fitting, ...out.slice(0, 80 - fitting.length)]).sort(),
        candidates: inside.slice(80),
        dismissed,
        outside: {
          seeds: out.slice(0, 80 - fitting.length),
          others: out.slice(80 - fitting.length),
          dismissed: out.slice(-2),
        },
      };
      const { folds, others, final } = samplePlan('k', users, { ...SETTINGS, negatives_per_seed: 2 });
      for (const epoch of final.epochs) {
        const negatives = rowsOf(epoch, 0);
        expect(dismissed.every((row) => negatives.includes(row))).toBe(true);
        // sampled ones compensate for the dismissed, as far as they can, and may be dismissed users themselves
        if (share === 0) expect(negatives.filter(isInside)).toEqual(expect.arrayContaining([...dismissed]));
        else expect(Math.abs(negatives.filter(isInside).length / negatives.length - share)).toBeLessThan(0.06);
      }
      expect(folds).toHaveLength(share === 0 ? 0 : 5);
      expect(folds.flatMap(({ heldOut }) => [...heldOut]).every((row) => fitting.includes(row))).toBe(true);
      expect([...others].some((row) => dismissed.includes(row))).toBe(false);
    }
  });
});
