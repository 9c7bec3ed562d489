/** Customising with a stack: several regressions of both kinds, with and without heads. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { customise } from '../../src/online/customise.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import type { CustomiseRequest, OnlineContext } from '../../src/online/online-context.ts';
import type { CampaignRegression } from '../../src/online/regression/bound-regression.ts';
import { LIBRARY, stackBefore, withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
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

/** The heads have a thousandth of the weight: enough to order users whom all parts score equally. */
const LEVEL = 0.01;
const spread = (values: Float64Array) => Math.max(...values) - Math.min(...values);

const cases = [
  ['a stack', STACKED],
  ['a stack without heads', CLOSED],
  ['the regression alone', REGRESSION],
] as const;

describe('customise with a stack', () => {
  it.each(cases)('finds users who like what the seeds like by %s', async (_, settings) => {
    const own = await contextOf(settings);
    const request = requestOf(fans.slice(0, 12));
    const { parameters, quality, epochs } = await customise(own, request);
    expect(epochs > 0).toBe(settings === STACKED);
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

  it('fits the parts of all folds side by side, with the same bits as one after the other', async () => {
    const own = await contextOf(STACKED);
    const request = requestOf(fans.slice(0, 30));
    const sizes: number[][] = [];
    const preparing = (prepare: (inner: CampaignRegression) => CampaignRegression['prepare']): OnlineContext => ({
      ...own,
      regression: {
        ...own.regression!,
        async forUsers(...users) {
          const inner = await own.regression!.forUsers(...users);
          return { ...inner, prepare: prepare(inner) };
        },
      },
    });
    const together = await customise(
      preparing((inner) => (sets, settings) => {
        sizes.push(sets.map(({ positives }) => positives.length));
        inner.prepare(sets, settings);
      }),
      request,
    );
    expect(sizes).toEqual([[24, 24, 24, 24, 24]]);
    expect(
      await customise(
        preparing(() => () => {}),
        request,
      ),
    ).toEqual(together);
  });

  it('ranks by the closed forms if the heads have no weight', async () => {
    const seeds = fans.slice(0, 30);
    const own = await contextOf(REGRESSION);
    const [alone, stacked] = [await ranked(REGRESSION, seeds), await ranked(STACKED, seeds)];
    const rows = Int32Array.from([...seeds, ...requestOf(seeds).candidates]);
    const users = encodeUsers(own.model.graph, own.binding, own.population.readRows(rows));
    const { elements, own: logits } = (await own.regression!.forUsers(users, rows.length, null, null)).fit(
      Int32Array.from(seeds.keys()),
      [{ strength: ALONE.strength, power: ALONE.power }],
    )[0]!;
    const before = own.model.graph.initializers.get(HEADS.regression)!.data as Float32Array;
    const gains = alone.table.map((x, t) => x - before[t]!);
    const factor = gains[1]! / elements[1]!;
    expect(factor).toBeGreaterThan(0);
    gains.forEach((gain, t) => {
      expect(Math.abs(gain - factor * elements[t]!), `weight ${t}`).toBeLessThan(1e-5 * factor);
    });
    // users whose own logits differ by more than a thousandth of theirs are ranked by them
    const difference = LEVEL * spread(logits);
    const wrong = (scores: Float32Array) => {
      let count = 0;
      for (let i = 0; i < rows.length; i++)
        for (let j = 0; j < rows.length; j++)
          if (logits[i]! > logits[j]! + difference && !(scores[i]! > scores[j]!)) count++;
      return count;
    };
    expect(wrong(alone.scores)).toBe(0);
    expect(wrong(stacked.scores)).toBeGreaterThan(100);
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
