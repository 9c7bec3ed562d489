/** Customising with filters: only seeds that fit are ranked, and the model learns nothing about who fits. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng, sampleWithoutReplacement } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { customise } from '../../src/online/customise.ts';
import { without } from '../../src/online/negatives.ts';
import type { CustomiseRequest, OnlineContext } from '../../src/online/online-context.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { closeContext, headsContext, sampleHeadsUsers } from './heads-world.ts';
import { newRoot, openWorld, splitRows, type User, type World } from './world.ts';

const USERS = 900;
/** An `age`: that of a quarter of the users. */
const FITTING = 'age 1';

let root = '';
let context: OnlineContext;
let users: User[];
let all: Int32Array;
/** Everyone who fits, and everyone who does not. */
let inside: Int32Array;
let outside: Int32Array;
let fans: Int32Array;

beforeAll(async () => {
  root = newRoot();
  users = sampleHeadsUsers(USERS);
  context = await headsContext(root, users, { regression: { ...DEFAULT_DESCENT.regression!, weight: 1 } });
  ({ fans } = splitRows(context.population));
  all = Int32Array.from({ length: USERS }, (_, row) => row);
  const { userNumbers } = context.population.readRows(all);
  const ageOf = (row: number) => {
    const id = context.population.directory.id(userNumbers[row]!);
    return users.find(({ user_id }) => user_id === id)!['age'];
  };
  inside = all.filter((row) => ageOf(row) === FITTING);
  outside = without(all, inside);
});
afterAll(async () => {
  await closeContext(context);
  rmSync(root, { recursive: true, force: true });
});

/** A campaign with these seeds and the filter, as the service makes it. */
function requestOf(seeds: Int32Array, key = 'k'): CustomiseRequest {
  const others = without(outside, seeds);
  return {
    key,
    features: { topic: 'topic 1', words: ['words 2'] },
    seeds,
    candidates: without(inside, seeds),
    outside: { seeds: without(outside, others), others, dismissed: new Int32Array(0) },
  };
}

const randomSeeds = (of: Int32Array, count: number, key: string) =>
  sampleWithoutReplacement(createRng(key), of.length, count)
    .map((i) => of[i]!)
    .sort();

async function scoresOf(request: CustomiseRequest): Promise<Float32Array> {
  const { parameters } = await customise(context, { ...request, withoutQuality: true });
  const scorer = await openScorer({ ...context.model, binding: context.binding });
  const scores = await scorer.score(context.population.readRows(all), { features: request.features, parameters });
  await scorer.close();
  return scores;
}

/** Probability that one of `rows` scores above one of `others`. */
function above(scores: Float32Array, rows: Int32Array, others: Int32Array): number {
  let sum = 0;
  for (const row of rows)
    for (const other of others) sum += scores[row]! > scores[other]! ? 1 : scores[row] === scores[other] ? 0.5 : 0;
  return sum / (rows.length * others.length);
}

describe('customise with filters', () => {
  it('ranks only seeds that fit, among candidates, and reports how many there were', async () => {
    const seeds = randomSeeds(fans, 60, 'some');
    const fitting = seeds.filter((row) => inside.includes(row)).length;
    const request = requestOf(seeds);
    const { quality, prediction } = await customise(context, request);
    expect(fitting).toBeGreaterThan(8);
    expect(quality).toMatchObject({ held_out_seeds: fitting, candidates: request.candidates.length });
    expect(prediction!.fitting_seeds).toBe(fitting);
  });

  it('calls random seeds good for no filter', async () => {
    const aucs: number[] = [];
    for (let set = 0; set < 12; set++) {
      const { prediction } = await customise(context, requestOf(randomSeeds(all, 60, `random ${set}`)));
      expect(prediction!.verdict).not.toBe('good');
      aucs.push(prediction!.auc!.mean);
    }
    const mean = aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length;
    // 12 sets of about 15 seeds: a standard error of .02
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.06);
  });

  it('makes no prediction where fewer than five seeds fit', async () => {
    const seeds = Int32Array.from([...outside.slice(0, 30), ...inside.slice(0, 4)]).sort();
    const { quality, prediction } = await customise(context, requestOf(seeds));
    expect(quality).toBeNull();
    expect(prediction).toMatchObject({
      verdict: 'unsure',
      reason: 'only 4 of 34 seeds fit the filters, too few to hold some out and see how they rank',
      ...{ fitting_seeds: 4, auc: null, recall: {}, lift: {} },
    });
  });

  it('teaches the model nothing about who fits, whatever share of the seeds does', async () => {
    for (const share of [1, 0.5, 0]) {
      const fitting = randomSeeds(inside, Math.round(80 * share), 'in');
      const seeds = Int32Array.from([...fitting, ...randomSeeds(outside, 80 - fitting.length, 'out')]).sort();
      const scores = await scoresOf(requestOf(seeds));
      const unmatched = await scoresOf({ ...requestOf(seeds), outside: null });
      const [left, others] = [without(inside, seeds), without(outside, seeds)];
      expect(Math.abs(above(scores, left, others) - 0.5), `${share}`).toBeLessThan(0.2);
      // if few seeds fit and negatives come from inside alone, the model avoids the users inside
      if (share < 1) expect(above(unmatched, left, others)).toBeLessThan(0.2);
    }
  });

  it('finds users inside who like what the seeds like', async () => {
    for (const group of [fans, inside.filter((row) => fans.includes(row))]) {
      const seeds = randomSeeds(group, 50, 'fans');
      const scores = await scoresOf(requestOf(seeds));
      const left = without(inside, seeds);
      const isFan = (row: number) => fans.includes(row);
      expect(
        above(
          scores,
          left.filter(isFan),
          left.filter((row) => !isFan(row)),
        ),
      ).toBeGreaterThan(0.9);
    }
  });

  it('makes equal bits of equal requests, and ignores a filter that excludes nobody', async () => {
    const request = requestOf(randomSeeds(fans, 40, 'equal'));
    const once = await customise(context, request);
    expect(await customise(context, request)).toEqual(once);
    const early = await customise(context, { ...request, withoutQuality: true });
    expect(early.parameters).toEqual(once.parameters);
    const seeds = randomSeeds(fans, 40, 'equal');
    const unfiltered = { ...request, candidates: without(all, seeds) };
    const { outside: _, ...none } = unfiltered;
    expect(await customise(context, { ...unfiltered, outside: null })).toEqual(await customise(context, none));
  });

  it('ranks no dismissed user, and matches those outside too', async () => {
    const seeds = randomSeeds(all, 60, 'dismissing');
    const request = requestOf(seeds);
    const dismissed = request.candidates.slice(0, 80);
    const { quality } = await customise(context, { ...request, dismissed });
    expect(quality!.candidates).toBe(request.candidates.length - 80);
    const own = { ...request.outside!, dismissed: request.outside!.others.slice(0, 60) };
    const { parameters } = await customise(context, { ...request, outside: own, withoutQuality: true });
    expect(parameters.get(HEADS.wide)).not.toEqual((await customise(context, request)).parameters.get(HEADS.wide));
    const nobody = await customise(context, { ...request, dismissed: request.candidates });
    expect([nobody.quality, nobody.prediction!.verdict]).toEqual([null, 'unsure']);
  });
});

describe('customise by Adam with filters', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(400, { early_stopping: { held_out_share: 0.5, minimum_held_out: 5 } });
  });
  afterAll(() => world.close());

  it('ranks only seeds that fit, and none where they are too few', async () => {
    const rows = Int32Array.from({ length: 400 }, (_, row) => row);
    const request = (fitting: number): CustomiseRequest => ({
      ...{ key: 'k', features: {} },
      seeds: Int32Array.from([...rows.slice(0, fitting), ...rows.slice(200, 240)]),
      candidates: rows.slice(fitting, 200),
      outside: { seeds: rows.slice(200, 240), others: rows.slice(240), dismissed: new Int32Array(0) },
    });
    const { quality, prediction } = await customise(world.context, request(20));
    expect(quality).toMatchObject({ held_out_seeds: 20, candidates: 45 });
    expect(prediction!.fitting_seeds).toBe(20);
    const few = await customise(world.context, request(4));
    expect([few.quality, few.prediction!.verdict, few.prediction!.fitting_seeds]).toEqual([null, 'unsure', 4]);
  });
});
