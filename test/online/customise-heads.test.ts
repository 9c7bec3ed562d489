/** Customising by gradient descent on the heads: what it depends on, what it learns, and unusual seed sets. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadRun } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { customise, rankSeedFolds } from '../../src/online/customise.ts';
import { reportHeads } from '../../src/online/customise-heads.ts';
import { descendHeads, stepsFor } from '../../src/online/descend-heads.ts';
import type { CustomiseRequest, OnlineContext } from '../../src/online/online-context.ts';
import { ownToken } from '../../src/online/own-token.ts';
import { joinFolds } from '../../src/online/quality/seed-ranks.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { tinyGraph } from '../model/tiny-model.ts';
import { closeContext, fansAuc, HEADS_CONFIG, headsContext, requestFor, sampleHeadsUsers } from './heads-world.ts';
import { newRoot, splitRows, type User } from './world.ts';

const USERS = 300;

const sampleUsers = () => sampleHeadsUsers(USERS);

let root = '';
let context: OnlineContext;
let fans: Int32Array;
let others: Int32Array;
const opened: OnlineContext[] = [];

async function contextOf(users: readonly User[], settings: Partial<DescentSettings> = {}): Promise<OnlineContext> {
  const made = await headsContext(root, users, settings);
  opened.push(made);
  return made;
}

beforeAll(async () => {
  root = newRoot();
  context = await contextOf(sampleUsers());
  ({ fans, others } = splitRows(context.population));
});
afterAll(async () => {
  for (const made of opened) await closeContext(made);
  rmSync(root, { recursive: true, force: true });
});

const requestOf = (seeds: Int32Array, key?: string): CustomiseRequest => requestFor({ fans, others }, seeds, key);
const aucOf = (own: OnlineContext, request: CustomiseRequest, parameters: OnlineContext['parameters']) =>
  fansAuc(own, fans, request, parameters);

describe('stepsFor', () => {
  const settings = (at_50_seeds: number, exponent: number, maximum: number): DescentSettings => ({
    ...DEFAULT_DESCENT,
    steps: { at_50_seeds, exponent, maximum },
  });

  it.each([
    [50, 20, 0.5, 20],
    [200, 20, 0.5, 40],
    [200, 20, 0, 20],
    [12, 20, 1, 5],
    [1, 20, 1, 1],
    [100_000, 20, 1, 60],
  ])('is for %i seeds, with %i at 50 and exponent %d, %i', (seeds, at50, exponent, steps) => {
    expect(stepsFor(settings(at50, exponent, 60), seeds)).toBe(steps);
  });
});

describe('descendHeads', () => {
  const range = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

  /** The batches of steps on `seeds` seeds, of whom a quarter do not fit the filters, and as many dismissed users. */
  async function batchesOf(seeds: number) {
    const batches: { readonly rows: Int32Array; readonly labels: Float32Array }[] = [];
    const run: Pick<HeadRun, 'reset' | 'step'> = {
      reset() {},
      async step(rows, labels) {
        batches.push({ rows: rows.slice(), labels: labels.slice() });
      },
    };
    const settings = { ...DEFAULT_DESCENT, first_pass: null, negatives_per_seed: 10 };
    const rows = {
      positives: range(0, seeds),
      pool: range(10_000, 40_000),
      always: range(50_000, 50_000 + 0.75 * seeds),
      outside: {
        positives: seeds / 4,
        pool: range(60_000, 90_000),
        always: range(100_000, 100_000 + seeds / 4),
      },
    };
    await descendHeads(run as HeadRun, settings, rows, createRng('steps'));
    return batches;
  }

  const countIn = (rows: Int32Array, from: number, to: number) => rows.filter((row) => row >= from && row < to).length;

  it.each([
    [400, 400],
    [2000, 500],
  ])('of %i seeds takes %i for each step, and the same share of the dismissed users', async (seeds, taken) => {
    const batches = await batchesOf(seeds);
    for (const { rows, labels } of batches) {
      expect(countIn(rows, 0, seeds)).toBe(taken);
      expect(new Set(rows).size).toBe(rows.length);
      // ten sampled negatives per seed besides the dismissed users; a quarter of all do not fit the filters
      expect(rows.length).toBe(12 * taken);
      expect(countIn(rows, 50_000, 60_000)).toBe(0.75 * taken);
      expect(countIn(rows, 100_000, 110_000)).toBe(taken / 4);
      expect(countIn(rows, 60_000, 110_000)).toBe(2.75 * taken);
      expect(labels.indexOf(0)).toBe(taken);
      expect(labels.lastIndexOf(1)).toBe(taken - 1);
    }
  });

  it('of many seeds learns from all of them over its steps', async () => {
    const seen = new Set((await batchesOf(2000)).flatMap(({ rows }) => [...rows.filter((row) => row < 2000)]));
    expect(seen.size).toBe(2000);
  });
});

describe('customise, by gradient descent on the heads', () => {
  it('changes the heads and nothing else', async () => {
    const { parameters, epochs } = await customise(context, requestOf(fans.slice(0, 30)));
    expect([...parameters.keys()].sort()).toEqual([HEADS.bias, HEADS.query, HEADS.scale, HEADS.wide].sort());
    for (const [name, { data }] of parameters)
      expect(data).not.toEqual(context.model.graph.initializers.get(name)!.data);
    // 20 steps at 50 seeds, times the root of seeds / 50
    expect(epochs).toBe(15);
  });

  it('finds users who like what the seeds like', async () => {
    const request = requestOf(fans.slice(0, 40));
    const { parameters } = await customise(context, request);
    expect(await aucOf(context, request, parameters)).toBeGreaterThan(0.9);
    expect(await aucOf(context, request, context.model.graph.initializers)).toBeLessThan(0.8);
  });

  it('produces equal bits for equal requests, also beside others', async () => {
    const [request, another] = [requestOf(fans.slice(0, 30)), requestOf(fans.slice(10, 40))];
    const once = await customise(context, request);
    const other = await customise(context, another);
    expect(await customise(context, request)).toEqual(once);
    expect(other.parameters).not.toEqual(once.parameters);
    expect(await Promise.all([customise(context, request), customise(context, another)])).toEqual([once, other]);
  });

  it('ranks users lower who are like dismissed ones', async () => {
    const request = requestOf(fans.slice(0, 30));
    const { population } = context;
    const { columns } = population.readRows(Int32Array.from({ length: USERS }, (_, row) => row));
    const tags = columns.get('tags')!;
    if (tags.kind !== 'multi') throw new Error('tags are lists');
    const code = population.dictionary('tags').find('tags 2');
    const alike = request.candidates.filter((row) =>
      tags.codes.subarray(tags.offsets[row], tags.offsets[row + 1]).includes(code),
    );
    const dismissed = alike.slice(0, alike.length / 2);
    const asked = alike.slice(alike.length / 2);
    const placesWith = async (change: Partial<CustomiseRequest>) => {
      const { parameters } = await customise(context, { ...request, ...change });
      const scorer = await openScorer({ ...context.model, binding: context.binding });
      const { features } = request;
      const scores = await scorer.score(population.readRows(request.candidates), { features, parameters });
      await scorer.close();
      return measureRanking(
        request.candidates,
        scores,
        Uint8Array.from(request.candidates, (row) => (asked.includes(row) ? 1 : 0)),
      ).auc;
    };
    expect(await placesWith({ dismissed })).toBeLessThan((await placesWith({})) - 0.03);
    expect(await placesWith({ dismissed: new Int32Array(0) })).toBe(await placesWith({}));
  });

  it('samples other negatives with another key', async () => {
    const request = requestOf(fans.slice(0, 10));
    const other = await customise(context, { ...request, key: 'other' });
    expect(other.parameters).not.toEqual((await customise(context, request)).parameters);
  });

  it('reports how held-out seeds rank, which does not change the model', async () => {
    const request = requestOf(fans.slice(0, 50));
    const { parameters, quality, prediction } = await customise(context, request);
    // every seed is held out once
    expect(quality).toMatchObject({ held_out_seeds: 50, candidates: 250 });
    // half of the candidates are fans too, so the report is conservative
    expect(quality!.auc).toBeGreaterThan(0.7);
    expect(prediction).toMatchObject({ verdict: 'good', auc: { mean: expect.closeTo(quality!.auc, 12) } });
    const without = await customise(context, { ...request, withoutQuality: true });
    expect(without).toMatchObject({ quality: null, prediction: null });
    expect(without.parameters).toEqual(parameters);
  });

  it.each([
    [4, null],
    [5, 5],
    [24, 24],
  ])('of %i seeds ranks %j', async (count, held) => {
    const { quality, prediction } = await customise(context, requestOf(fans.slice(0, count)));
    expect(quality?.held_out_seeds ?? null).toBe(held);
    if (held === null) expect(prediction).toMatchObject({ verdict: 'unsure', auc: null, recall: {}, lift: {} });
    else expect(Object.keys(prediction!.recall)).toHaveLength(25);
  });

  it('reports the same if two threads rank the folds', async () => {
    const request = requestOf(fans.slice(0, 30));
    const whole = await customise(context, request);
    const adapted = await customise(context, { ...request, folds: [0, 1] });
    expect([adapted.parameters, adapted.quality]).toEqual([whole.parameters, null]);
    const other = await rankSeedFolds(context, { ...request, folds: [2, 3, 4] });
    const ranks = joinFolds([...other, ...adapted.folds!]);
    expect(ranks).toEqual(whole.ranks);
    const { quality, prediction } = whole;
    expect(reportHeads(ranks, request, context.model.manifest.drift)).toEqual({ quality, prediction });
  });

  it('ranks seeds among the given rows, which need not be candidates, and reports the same for equal rows', async () => {
    const seeds = fans.slice(0, 30);
    const [left, ranked] = [others.slice(0, 100), others.slice(80)];
    const request = { ...requestOf(seeds), candidates: left };
    const { parameters, quality } = await customise(context, { ...request, ranked });
    expect(quality).toMatchObject({ held_out_seeds: 30, candidates: ranked.length });
    // no fan is among them
    expect(quality!.auc).toBeGreaterThan(0.9);
    const own = await customise(context, request);
    expect(own.parameters).toEqual(parameters);
    expect((await customise(context, { ...request, ranked: left })).quality).toEqual(own.quality);
  });

  it('predicts for identical seeds', async () => {
    const same = await contextOf(
      sampleUsers().map((user, i) =>
        i % 3 === 0 ? { ...user, age: 'age 1', tags: ['tags 1'], [PAST_CAMPAIGNS]: [] } : user,
      ),
    );
    const { prediction } = await customise(same, requestOf(fans.slice(0, 20)));
    for (const { mean, low, high } of [prediction!.auc!, ...Object.values(prediction!.recall)]) {
      expect([mean, low, high].every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(low).toBeLessThanOrEqual(mean);
      expect(mean).toBeLessThanOrEqual(high);
    }
    // the other 80 identical users are tied with each: the top 5 % of 280, 14 places, are shared by 81
    expect(prediction!.recall['0.05']!.mean).toBeCloseTo(14 / 81, 6);
  });

  it.each([
    ['one seed', () => requestOf(fans.slice(0, 1))],
    ['one seed and one candidate', () => ({ ...requestOf(fans.slice(0, 1)), candidates: others.slice(0, 1) })],
    ['fewer candidates than negatives', () => ({ ...requestOf(fans.slice(0, 60)), candidates: others.slice(0, 15) })],
    ['seeds and candidates who are alike', () => ({ ...requestOf(fans.slice(0, 50)), candidates: fans.slice(50) })],
  ])('returns numbers for %s', async (_, request) => {
    const { parameters, quality } = await customise(context, request());
    for (const { data } of parameters.values()) expect((data as Float32Array).every(Number.isFinite)).toBe(true);
    if (quality) expect(Number.isFinite(quality.auc)).toBe(true);
  });

  it('works without a first pass, with other results', async () => {
    const one = await contextOf(sampleUsers(), { first_pass: null });
    const request = requestOf(fans.slice(0, 30));
    const { parameters } = await customise(one, request);
    expect(await aucOf(one, request, parameters)).toBeGreaterThan(0.85);
    expect(parameters).not.toEqual((await customise(context, request)).parameters);
  });

  it('starts from other parameters when it is given some', async () => {
    const request = requestOf(fans.slice(0, 30));
    const other = tinyGraph(HEADS_CONFIG, 'other').initializers;
    const { parameters } = await customise({ ...context, parameters: other }, request);
    expect(parameters).not.toEqual((await customise(context, request)).parameters);
  });
});

describe('customise with an auxiliary logistic regression', () => {
  const strengths = { [HEADS.wide]: 0.1 };
  let accompanied: OnlineContext;
  let alone: OnlineContext;
  beforeAll(async () => {
    accompanied = await contextOf(sampleUsers(), { companion: { strengths, weight: 1 } });
    alone = await contextOf(sampleUsers(), { companion: undefined });
  });

  it('changes the named parameters, the intercept, and nothing else', async () => {
    const request = requestOf(fans.slice(0, 30));
    const plain = (await customise(alone, request)).parameters;
    const { parameters } = await customise(accompanied, request);
    expect([...parameters.keys()].sort()).toEqual([...plain.keys()].sort());
    for (const { data } of parameters.values()) expect((data as Float32Array).every(Number.isFinite)).toBe(true);
    expect(parameters.get(HEADS.query)).toEqual(plain.get(HEADS.query));
    for (const name of [HEADS.wide, HEADS.bias]) expect(parameters.get(name)).not.toEqual(plain.get(name));
  });

  it('finds users who like what the seeds like', async () => {
    const request = requestOf(fans.slice(0, 40));
    const { parameters, quality } = await customise(accompanied, request);
    expect(await aucOf(accompanied, request, parameters)).toBeGreaterThan(0.9);
    expect(quality!.auc).toBeGreaterThan(0.7);
    // it finds the token that all fans have
    const [wide, before] = [parameters, (await customise(alone, request)).parameters].map(
      (all) => all.get(HEADS.wide)!.data as Float32Array,
    );
    const gains = wide!.map((x, place) => x - before![place]!);
    expect(gains.indexOf(Math.max(...gains))).toBe(5 + 1);
  });

  it('produces equal bits for equal requests, with and without a report', async () => {
    const request = requestOf(fans.slice(0, 30));
    const once = await customise(accompanied, request);
    expect(await customise(accompanied, request)).toEqual(once);
    const without = await customise(accompanied, { ...request, withoutQuality: true });
    expect(without.parameters).toEqual(once.parameters);
  });

  it.each([
    ['one seed', () => requestOf(fans.slice(0, 1))],
    ['one seed and one candidate', () => ({ ...requestOf(fans.slice(0, 1)), candidates: others.slice(0, 1) })],
    ['fewer candidates than negatives', () => ({ ...requestOf(fans.slice(0, 60)), candidates: others.slice(0, 15) })],
  ])('returns numbers for %s', async (_, request) => {
    const { parameters } = await customise(accompanied, request());
    for (const { data } of parameters.values()) {
      expect((data as Float32Array).every(Number.isFinite)).toBe(true);
      expect(Math.max(...(data as Float32Array).map(Math.abs))).toBeLessThan(100);
    }
  });

  it('returns the same heads as without it when all users are alike', async () => {
    const alike = sampleUsers().map((user) => ({ ...user, age: 'age 1', tags: ['tags 2'], [PAST_CAMPAIGNS]: [] }));
    const request = requestOf(fans.slice(0, 30));
    const [plain, own] = [
      await contextOf(alike, { companion: undefined }),
      await contextOf(alike, { companion: { strengths, weight: 1 } }),
    ];
    expect((await customise(own, request)).parameters).toEqual((await customise(plain, request)).parameters);
  });
});

describe("a campaign's own token", () => {
  const CAMPAIGN = `${PAST_CAMPAIGNS} 2`;

  it('is left out as if no user had it', async () => {
    const request = requestOf(fans.slice(0, 30));
    const without = ownToken(context.model.folder, CAMPAIGN);
    expect(without).toEqual({ feature: PAST_CAMPAIGNS, id: 2 });
    const left = await customise(context, { ...request, without });
    const bare = await contextOf(
      sampleUsers().map((user) => ({
        ...user,
        [PAST_CAMPAIGNS]: (user[PAST_CAMPAIGNS] as string[]).filter((token) => token !== CAMPAIGN),
      })),
    );
    expect(left.parameters).toEqual((await customise(bare, request)).parameters);
    expect(left.parameters).not.toEqual((await customise(context, request)).parameters);
  });
});
