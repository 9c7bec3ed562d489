/** Customising with a stack: several regressions of both kinds, and with them alone. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEADS } from '../../src/architectures/heads.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { LIBRARY, stackBefore, withStack } from '../../src/offline/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';
import { type CustomiseRequest, customise, type OnlineContext } from '../../src/online/customise.ts';
import { closeContext, fansAuc, headsContext, requestFor, sampleHeadsUsers, scoresBothWays } from './heads-world.ts';
import { newRoot, splitRows } from './world.ts';

const NONE = { few: 0, many: 0 };
const ALONE = { kind: 'regression' as const, strength: 0.05, power: 0.25 };
const STACKED = withStack(DEFAULT_DESCENT, LIBRARY, stackBefore(LIBRARY));
const CLOSED = withStack(DEFAULT_DESCENT, LIBRARY, [NONE, ...stackBefore(LIBRARY).slice(1)]);
const REGRESSION = withStack(DEFAULT_DESCENT, [ALONE], [NONE, { few: 1, many: 1 }]);

let root = '';
let fans: Int32Array;
let others: Int32Array;
const opened = new Map<DescentSettings, OnlineContext>();

async function contextOf(settings: DescentSettings): Promise<OnlineContext> {
  const made =
    opened.get(settings) ??
    (await headsContext(root, sampleHeadsUsers(300), { ...settings, companion: undefined, regression: undefined }));
  opened.set(settings, made);
  return made;
}

beforeAll(async () => {
  root = newRoot();
  ({ fans, others } = splitRows((await contextOf(STACKED)).population));
});
afterAll(async () => {
  for (const made of opened.values()) await closeContext(made);
  rmSync(root, { recursive: true, force: true });
});

const requestOf = (seeds: Int32Array): CustomiseRequest => requestFor({ fans, others }, seeds);

async function ranked(settings: DescentSettings, seeds: Int32Array) {
  const { parameters, ...scores } = await scoresBothWays(await contextOf(settings), requestOf(seeds));
  return { ...scores, table: parameters.get(HEADS.regression)!.data as Float32Array };
}

const cases = [
  ['a stack', STACKED],
  ['a stack without heads', CLOSED],
  ['the regression alone', REGRESSION],
] as const;

describe('customise with a stack', () => {
  it.each(cases)('finds what the seeds like by %s', async (_, settings) => {
    const own = await contextOf(settings);
    const request = requestOf(fans.slice(0, 12));
    const { parameters, quality } = await customise(own, request);
    expect(await fansAuc(own, fans, request, parameters)).toBeGreaterThan(0.9);
    expect(quality!.auc).toBeGreaterThan(0.7);
  });

  it.each(cases)('exports parameters with the scores that the run ranked by: %s', async (_, settings) => {
    const { scores, exported } = await ranked(settings, fans.slice(0, 30));
    exported.forEach((score, i) => {
      expect(Math.abs(scores[i]! - score), `row ${i}`).toBeLessThan(1e-5);
    });
    expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThan(0.1);
  });

  it('ranks by the closed forms where the heads have no share', async () => {
    const seeds = fans.slice(0, 30);
    const [alone, stacked] = [await ranked(REGRESSION, seeds), await ranked(STACKED, seeds)];
    const { candidates } = requestOf(seeds);
    const order = (scores: Float32Array) => [...candidates.keys()].sort((a, b) => scores[b]! - scores[a]!);
    expect(order(alone.scores)).not.toEqual(order(stacked.scores));
    // the table's own order is that of the scores: what a row's tokens weigh together
    const before = (await contextOf(REGRESSION)).model.graph.initializers.get(HEADS.regression)!.data as Float32Array;
    const gains = alone.table.map((x, t) => x - before[t]!);
    expect(Math.max(...gains.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it('weighs parts by the number of seeds', async () => {
    const [constant, falling] = [1, 0].map((many) =>
      withStack(
        DEFAULT_DESCENT,
        [ALONE],
        [
          { few: 1, many: 1 },
          { few: many === 1 ? 1 : 5, many },
        ],
      ),
    );
    const gainOf = async (settings: DescentSettings, count: number) => {
      const { table } = await ranked(settings, fans.slice(0, count));
      const before = (await contextOf(settings)).model.graph.initializers.get(HEADS.regression)!.data as Float32Array;
      return Math.max(...table.map((x, t) => Math.abs(x - before[t]!)));
    };
    for (const [count, weight] of [
      [10, 5],
      [50, 2.5],
    ] as const)
      expect((await gainOf(falling!, count)) / (await gainOf(constant!, count))).toBeCloseTo(weight, 3);
  });
});
