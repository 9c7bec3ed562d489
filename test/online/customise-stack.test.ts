/** Customising with a stack: several regressions of both kinds, and with them alone. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEADS } from '../../src/architectures/heads.ts';
import { assert } from '../../src/lib/errors.ts';
import { createRng } from '../../src/lib/rng.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { LIBRARY, stackBefore, withStack } from '../../src/offline/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';
import { type CustomiseRequest, customise, type OnlineContext } from '../../src/online/customise.ts';
import { adaptHeads, startHeads } from '../../src/online/customise-heads.ts';
import { openScorer } from '../../src/online/score.ts';
import { closeContext, fansAuc, headsContext, requestFor, sampleHeadsUsers } from './heads-world.ts';
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

/** The run's scores of seeds and candidates, and those of the exported parameters. */
async function scoresBothWays(settings: DescentSettings, seeds: Int32Array) {
  const own = await contextOf(settings);
  assert(own.program.kind === 'gradient_descent', 'the model has heads');
  const { candidates, features } = requestOf(seeds);
  const rows = Int32Array.from([...seeds, ...candidates]);
  const positives = Int32Array.from(seeds.keys());
  const pool = Int32Array.from(candidates, (_, i) => seeds.length + i);
  const started = await startHeads(own, own.program.steps, rows, { features });
  const scores = await adaptHeads(started, own.program.settings, { positives, pool }, createRng('k'));
  const scorer = await openScorer({ ...own.model, binding: own.binding });
  const parameters = started.run.parameters();
  const exported = await scorer.score(own.population.readRows(rows), { features, parameters });
  await scorer.close();
  return { scores, exported, table: parameters.get(HEADS.regression)!.data as Float32Array };
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
    const { scores, exported } = await scoresBothWays(settings, fans.slice(0, 30));
    exported.forEach((score, i) => {
      expect(Math.abs(scores[i]! - score), `row ${i}`).toBeLessThan(1e-5);
    });
    expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThan(0.1);
  });

  it('ranks by the closed forms where the heads have no share', async () => {
    const seeds = fans.slice(0, 30);
    const [alone, stacked] = [await scoresBothWays(REGRESSION, seeds), await scoresBothWays(STACKED, seeds)];
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
      const { table } = await scoresBothWays(settings, fans.slice(0, count));
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
