/** Customising with the whole-population regression: one more table of the heads, fitted and not stepped. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { customise } from '../../src/online/customise.ts';
import type { CustomiseRequest, OnlineContext } from '../../src/online/online-context.ts';
import { ownToken } from '../../src/online/own-token.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { closeContext, fansAuc, headsContext, requestFor, sampleHeadsUsers, scoresBothWays } from './heads-world.ts';
import { newRoot, splitRows, type User } from './world.ts';

const { regression } = DEFAULT_DESCENT;
const sampleUsers = () => sampleHeadsUsers(300);

let root = '';
let regressed: OnlineContext;
let alone: OnlineContext;
let fans: Int32Array;
let others: Int32Array;
const opened: OnlineContext[] = [];

async function contextOf(users: readonly User[], settings: Partial<DescentSettings>): Promise<OnlineContext> {
  const made = await headsContext(root, users, settings);
  opened.push(made);
  return made;
}

beforeAll(async () => {
  root = newRoot();
  regressed = await contextOf(sampleUsers(), { companion: undefined, regression });
  alone = await contextOf(sampleUsers(), { companion: undefined });
  ({ fans, others } = splitRows(regressed.population));
});
afterAll(async () => {
  for (const made of opened) await closeContext(made);
  rmSync(root, { recursive: true, force: true });
});

const requestOf = (seeds: Int32Array, key?: string): CustomiseRequest => requestFor({ fans, others }, seeds, key);
const tableOf = (parameters: OnlineContext['parameters']) => parameters!.get(HEADS.regression)!.data as Float32Array;
const bias = (parameters: OnlineContext['parameters']) => Number(parameters!.get(HEADS.bias)!.data[0]);

describe('customise with a regression', () => {
  it('changes its table, the intercept, and nothing else', async () => {
    const request = requestOf(fans.slice(0, 30));
    const plain = (await customise(alone, request)).parameters;
    const { parameters } = await customise(regressed, request);
    expect([...parameters.keys()].sort()).toEqual(
      [HEADS.bias, HEADS.query, HEADS.regression, HEADS.scale, HEADS.wide].sort(),
    );
    for (const { data } of parameters.values()) expect((data as Float32Array).every(Number.isFinite)).toBe(true);
    for (const name of [HEADS.wide, HEADS.query])
      (parameters.get(name)!.data as Float32Array).forEach((x, i) => {
        expect(Math.abs(x - Number(plain.get(name)!.data[i])), `${name} ${i}`).toBeLessThan(1e-5);
      });
    expect(bias(parameters)).not.toBeCloseTo(bias(plain), 3);
    // the token that all fans have gains most
    const before = tableOf(regressed.model.graph.initializers);
    const gains = tableOf(parameters).map((x, place) => x - before[place]!);
    expect(gains.indexOf(Math.max(...gains))).toBe(5 + 1);
  });

  it.each([
    ['alone', undefined],
    ['with an auxiliary logistic regression', DEFAULT_DESCENT.companion],
  ])('finds users who like what the seeds like, %s', async (_, companion) => {
    const own = await contextOf(sampleUsers(), { companion, regression: { ...regression!, weight: 2 } });
    const request = requestOf(fans.slice(0, 10));
    const { parameters, quality } = await customise(own, request);
    expect(await fansAuc(own, fans, request, parameters)).toBeGreaterThan(0.9);
    expect(quality!.auc).toBeGreaterThan(0.7);
  });

  it('exports a graph with the scores that the run ranked by', async () => {
    const seeds = fans.slice(0, 30);
    const own = await contextOf(sampleUsers(), { regression: { ...regression!, weight: 4 } });
    const { scores, exported } = await scoresBothWays(own, requestOf(seeds));
    exported.forEach((score, i) => {
      expect(Math.abs(scores[i]! - score), `row ${i}`).toBeLessThan(1e-6);
    });
    expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThan(0.1);
  });

  it('produces equal bits for equal requests, whatever is customised in between, with and without a report', async () => {
    const [request, another] = [requestOf(fans.slice(0, 30)), requestOf(fans.slice(10, 40))];
    const once = await customise(regressed, request);
    const other = await customise(regressed, another);
    expect(await customise(regressed, request)).toEqual(once);
    expect(tableOf(other.parameters)).not.toEqual(tableOf(once.parameters));
    expect(await Promise.all([customise(regressed, request), customise(regressed, another)])).toEqual([once, other]);
    const without = await customise(regressed, { ...request, withoutQuality: true });
    expect(without.parameters).toEqual(once.parameters);
  });

  it('fits the same table, except for its spread, whatever the samples and the order of seeds', async () => {
    const seeds = fans.slice(0, 20);
    const shapeOf = async (own: Int32Array, key: string) => {
      const { parameters } = await customise(regressed, { ...requestOf(seeds, key), seeds: own });
      const gains = tableOf(parameters).map((x, t) => x - tableOf(regressed.model.graph.initializers)[t]!);
      const size = Math.hypot(...gains);
      return gains.map((x) => x / size);
    };
    const expected = await shapeOf(seeds, 'k');
    for (const shape of [await shapeOf(seeds.slice().reverse(), 'k'), await shapeOf(seeds, 'other')])
      shape.forEach((x, t) => {
        expect(Math.abs(x - expected[t]!), `element ${t}`).toBeLessThan(1e-4);
      });
  });

  it.each([
    ['one seed', () => requestOf(fans.slice(0, 1))],
    ['one seed and one candidate', () => ({ ...requestOf(fans.slice(0, 1)), candidates: others.slice(0, 1) })],
    ['fewer candidates than negatives', () => ({ ...requestOf(fans.slice(0, 60)), candidates: others.slice(0, 15) })],
  ])('returns numbers for %s', async (_, request) => {
    const { parameters } = await customise(regressed, request());
    for (const { data } of parameters.values()) {
      expect((data as Float32Array).every(Number.isFinite)).toBe(true);
      expect(Math.max(...(data as Float32Array).map(Math.abs))).toBeLessThan(100);
    }
  });

  it('returns the same heads as without a regression when all users are alike', async () => {
    const alike = sampleUsers().map((user) => ({ ...user, age: 'age 1', tags: ['tags 2'], [PAST_CAMPAIGNS]: [] }));
    const request = requestOf(fans.slice(0, 30));
    const [plain, own] = [
      await contextOf(alike, { companion: undefined }),
      await contextOf(alike, { companion: undefined, regression }),
    ];
    const { parameters } = await customise(own, request);
    expect(parameters.get(HEADS.regression)).toEqual(own.model.graph.initializers.get(HEADS.regression));
    for (const [name, { data }] of (await customise(plain, request)).parameters)
      (data as Float32Array).forEach((x, i) => {
        expect(Math.abs(x - Number(parameters.get(name)!.data[i])), `${name} ${i}`).toBeLessThan(1e-5);
      });
  });

  it("leaves out a campaign's own token, which would identify its members", async () => {
    const CAMPAIGN = `${PAST_CAMPAIGNS} 2`;
    const told = await contextOf(
      sampleUsers().map((user, i) => ({
        ...user,
        tags: ['tags 2'],
        [PAST_CAMPAIGNS]: [
          ...(user[PAST_CAMPAIGNS] as string[]).filter((token) => token !== CAMPAIGN),
          ...(i % 3 === 0 ? [CAMPAIGN] : []),
        ],
      })),
      { companion: undefined, regression },
    );
    const request = requestOf(fans.slice(0, 30));
    const without = ownToken(told.model.folder, CAMPAIGN);
    expect(without).toEqual({ feature: PAST_CAMPAIGNS, id: 2 });
    const element = 5 + 6 + 2;
    const before = tableOf(told.model.graph.initializers);
    const changeWith = async (token: typeof without) =>
      tableOf((await customise(told, { ...request, without: token })).parameters).map((x, t) => x - before[t]!);
    expect((await changeWith(without))[element]).toBe(0);
    const seen = await changeWith(null);
    expect(seen.indexOf(Math.max(...seen))).toBe(element);
  });

  it('treats a context without a bound regression as a bug', async () => {
    await expect(customise({ ...regressed, regression: null }, requestOf(fans.slice(0, 10)))).rejects.toThrow(
      /the population was not read for it/,
    );
  });
});
