/** Weighted seeds: a seed of weight k counts as k equal seeds, wherever that can be compared exactly. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { customise } from '../../src/online/customise.ts';
import { adaptHeads, startHeads } from '../../src/online/customise-heads.ts';
import { headUsers } from '../../src/online/head-users.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import { samplePlan } from '../../src/online/plan.ts';
import { predict } from '../../src/online/quality/prediction.ts';
import { reportRanks } from '../../src/online/quality/quality.ts';
import { aucOf, effectiveSeeds, hitsAt, joinRanks, rankSeeds } from '../../src/online/quality/seed-ranks.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { closeContext, headsContext, requestFor, sampleHeadsUsers } from './heads-world.ts';
import { newRoot, splitRows } from './world.ts';

const root = newRoot();
let context: OnlineContext;
let fans: Int32Array;
let others: Int32Array;
beforeAll(async () => {
  context = await headsContext(root, sampleHeadsUsers(300));
  ({ fans, others } = splitRows(context.population));
});
afterAll(async () => {
  await closeContext(context);
  rmSync(root, { recursive: true, force: true });
});

/** Fans whose weights are 1, 2 or 3, and the same users as often as their weight. */
const WEIGHTS = Float32Array.from({ length: 21 }, (_, i) => 1 + (i % 3));
const MEAN = 2;
const relative = WEIGHTS.map((weight) => weight / MEAN);
const repeated = <T>(items: Iterable<T>) =>
  [...items].flatMap((item, i) => Array.from({ length: WEIGHTS[i]! }, () => item));

const ADAM = {
  optimiser: 'adam',
  rate: 0.003,
  epochs: 2,
  batch: 16,
  negatives_per_seed: 2,
  resample_negatives: true,
  early_stopping: { held_out_share: 0.2, minimum_held_out: 3 },
} as const;

describe('heads', () => {
  it('learn from a seed of weight k as from k equal seeds', async () => {
    const { program } = context;
    if (program.kind !== 'gradient_descent') throw new Error('the model has heads');
    const seeds = fans.slice(0, WEIGHTS.length);
    const { candidates, features } = requestFor({ fans, others }, seeds);
    // both runs have the same negatives in every step, the same number of steps, and no part that counts the seeds
    const { companion: _, regression: __, stack: ___, ...own } = program.settings;
    const steps = { at_50_seeds: 6, exponent: 0, maximum: 60 };
    const settings = { ...own, first_pass: null, steps, negatives_per_seed: 0.001 };
    const scoresOf = async (rows: Int32Array, positives: Int32Array, weights?: Float32Array) => {
      const started = await startHeads(context, program.steps, rows, { features });
      const always = Int32Array.from({ length: 40 }, (_, i) => rows.length - 40 + i);
      const pool = always.slice(0, 1);
      // as many times as the seeds are repeated on average
      const all = weights ? always : Int32Array.from([...always, ...always]);
      const scores = await adaptHeads(started, settings, { positives, weights, pool, always: all }, createRng('k'));
      return scores.slice(-40);
    };
    const negatives = candidates.slice(0, 40);
    const once = await scoresOf(Int32Array.from([...seeds, ...negatives]), Int32Array.from(seeds.keys()), relative);
    const copies = Int32Array.from(repeated(seeds));
    const again = await scoresOf(Int32Array.from([...copies, ...negatives]), Int32Array.from(copies.keys()));
    const plain = await scoresOf(
      Int32Array.from([...seeds, ...negatives]),
      Int32Array.from(seeds.keys()),
      relative.map(() => 1),
    );
    const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
    expect(apart(once, again)).toBeLessThan(1e-5);
    expect(apart(once, plain)).toBeGreaterThan(1e-3);
  });

  it('change the audience if weights differ, and only then', async () => {
    const request = requestFor({ fans, others }, fans.slice(0, WEIGHTS.length));
    const plain = await customise(context, request);
    const weighted = await customise(context, { ...request, seedWeights: relative });
    expect(weighted.parameters).not.toEqual(plain.parameters);
    const equal = await customise(context, { ...request, seedWeights: relative.map(() => 1) });
    expect(equal.parameters).toEqual(plain.parameters);
    expect(equal.quality).toEqual(plain.quality);
  });
});

describe('explicit negatives', () => {
  it('of weight 3 count like three equal ones', async () => {
    const { program } = context;
    if (program.kind !== 'gradient_descent') throw new Error('the model has heads');
    const seeds = fans.slice(0, 20);
    const { candidates, features } = requestFor({ fans, others }, seeds);
    const { regression: _, stack: __, ...settings } = program.settings;
    const rows = Int32Array.from([...seeds, ...candidates.slice(0, 60)]);
    const positives = Int32Array.from(seeds.keys());
    const [pool, always] = [positives.map((i) => 20 + i), positives.slice(0, 8).map((i) => 60 + i)];
    const scoresOf = async (own: Int32Array, alwaysWeight = 1) => {
      const started = await startHeads(context, program.steps, rows, { features });
      const learned = { positives, pool, always: own, alwaysWeight };
      return adaptHeads(started, { ...settings, negatives_per_seed: 0.5 }, learned, createRng('k'));
    };
    const apart = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
    const weighted = await scoresOf(always, 3);
    const copies = await scoresOf(Int32Array.from([...always, ...always, ...always]));
    expect(apart(weighted, copies)).toBeLessThan(1e-4);
    expect(apart(weighted, await scoresOf(always))).toBeGreaterThan(1e-2);
  });

  it('have their weight in the batches of a plan', () => {
    const rowsTo = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
    const users = { seeds: rowsTo(0, 20), candidates: rowsTo(20, 100), dismissed: rowsTo(90, 100) };
    const batchesOf = (negativeWeight: number) =>
      samplePlan('k', { ...users, negativeWeight }, ADAM).final.epochs.flat();
    for (const { rows, weights } of batchesOf(5))
      for (const [i, row] of rows.entries()) expect(weights![i]).toBe(row >= 90 ? 5 : 1);
    expect(batchesOf(1)).toEqual(samplePlan('k', users, ADAM).final.epochs.flat());
  });
});

describe('headUsers', () => {
  it('samples many seeds so that weighted sums keep their expected values', () => {
    const seeds = Int32Array.from({ length: 10_000 }, (_, row) => row);
    const raw = Float32Array.from(seeds, (row) => (row === 7 ? 2000 : row % 5 === 0 ? 4 : 0.5));
    const mean = raw.reduce((sum, weight) => sum + weight, 0) / raw.length;
    const seedWeights = raw.map((weight) => weight / mean);
    const candidates = Int32Array.from({ length: 50 }, (_, i) => 10_000 + i);
    const shares = Array.from({ length: 20 }, (_, i) => {
      const request = { key: 'k', features: {}, seeds, seedWeights, candidates };
      const { rows, positives, negatives } = headUsers(request, DEFAULT_DESCENT, createRng(`k${i}`));
      expect(positives.length).toBe(2000);
      const weights = negatives.weights!;
      expect(weights.reduce((sum, weight) => sum + weight, 0) / weights.length).toBeCloseTo(1, 4);
      const sumOf = (is: (row: number) => boolean) =>
        positives.reduce((sum, place) => sum + (is(rows[place]!) ? weights[place]! : 0), 0) / positives.length;
      return [sumOf((row) => row === 7), sumOf((row) => row % 5 === 0)] as const;
    });
    for (const [share] of shares) expect(share).toBeCloseTo(2000 / (mean * 10_000), 3);
    const average = shares.reduce((sum, [, share]) => sum + share, 0) / shares.length;
    expect(average).toBeCloseTo((2000 * 4) / (mean * 10_000), 2);
  });
});

describe('a plan', () => {
  it('has the weight of each seed in its batches, with mean 1 over the seeds that it learns from', () => {
    const seeds = Int32Array.from({ length: WEIGHTS.length }, (_, row) => row);
    const candidates = Int32Array.from({ length: 200 }, (_, i) => WEIGHTS.length + i);
    const plan = samplePlan('k', { seeds, seedWeights: relative, candidates }, ADAM);
    expect(plan.folds).toHaveLength(5);
    for (const pass of [plan.final, ...plan.folds])
      for (const epoch of pass.epochs) {
        const learned = epoch.flatMap(({ rows, labels, weights }) =>
          [...rows].map((row, i) => ({ row, label: labels[i]!, weight: weights![i]! })),
        );
        const positives = learned.filter(({ label }) => label === 1);
        const sum = positives.reduce((all, { row }) => all + WEIGHTS[row]!, 0) / positives.length;
        for (const { row, label, weight } of learned)
          expect(weight).toBeCloseTo(label === 1 ? WEIGHTS[row]! / sum : 1, 5);
      }
  });
});

describe('ranks of weighted seeds', () => {
  const rows = Float32Array.from({ length: 100 }, (_, i) => i / 100);
  const scores = Float32Array.from(WEIGHTS, (_, i) => ((i * 37) % 21) / 21 + 0.001);

  it('have the AUC and the recall of repeated seeds', () => {
    const weighted = joinRanks([
      rankSeeds(scores.subarray(0, 9), rows, WEIGHTS.subarray(0, 9)),
      rankSeeds(scores.subarray(9), rows, WEIGHTS.subarray(9)),
    ]);
    const copies = rankSeeds(Float32Array.from(repeated(scores)), rows);
    expect(aucOf(weighted)).toBeCloseTo(aucOf(copies), 12);
    for (const count of [5, 20, 50])
      expect(hitsAt(weighted, count) / effectiveSeeds(weighted)).toBeCloseTo(
        hitsAt(copies, count) / copies.above.length,
        5,
      );
    const { recall, held_out_seeds } = reportRanks(weighted);
    expect([recall['0.2'], held_out_seeds]).toEqual([expect.closeTo(reportRanks(copies).recall['0.2'], 5), 21]);
  });

  it('are less certain than as many equal ones, and as certain if all weights are equal', () => {
    const seeds = { all: 21, fitting: 21 };
    const [plain, equal, skewed] = [undefined, scores.map(() => 3), scores.map((_, i) => (i < 4 ? 50 : 1))].map(
      (weights) => predict(rankSeeds(scores, rows, weights), seeds),
    );
    const width = ({ auc }: NonNullable<typeof plain>) => auc!.high - auc!.low;
    expect(width(equal!)).toBeCloseTo(width(plain!), 6);
    expect(width(skewed!)).toBeGreaterThan(1.5 * width(plain!));
  });
});
