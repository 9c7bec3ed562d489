/** Scoring: the same whatever is scored before or at the same time, and never NaN. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession, type Tensor } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS, LATENT_TABLE } from '../../src/model/architectures/heads.ts';
import { customise } from '../../src/online/customise.ts';
import { type CampaignValues, encodeCampaign, encodeUsers } from '../../src/online/encode.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import { openScorer, type ScoredCampaign, type Scorer } from '../../src/online/scoring/score.ts';
import { scoringGraphs } from '../../src/online/scoring/scoring-graphs.ts';
import type { Rows } from '../../src/population/read.ts';
import { tinyGraph } from '../model/tiny-model.ts';
import { closeContext, HEADS_CONFIG, headsContext, sampleHeadsUsers } from './heads-world.ts';
import { openWorld, splitRows, type World } from './world.ts';

const FEATURES = { topic: 'topic 1', words: ['words 2'] };

let world: World;
let context: OnlineContext;
let parts: Rows[];
let adapted: Awaited<ReturnType<typeof customise>>['parameters'];
beforeAll(async () => {
  world = await openWorld(5000);
  context = world.context;
  const { fans, others } = splitRows(context.population);
  const request = { key: 'k', features: FEATURES, seeds: fans.slice(0, 30), candidates: others };
  adapted = (await customise(context, request)).parameters;
  const rows = Int32Array.from({ length: context.population.rowCount }, (_, row) => row);
  // one of several batches, one of a batch and a bit, an empty one
  parts = [rows.slice(0, 2900), rows.slice(2900), rows.slice(0, 0)].map((part) => context.population.readRows(part));
});
afterAll(() => world.close());

const scoreWith = (
  scorer: Scorer,
  rows: Rows,
  features: CampaignValues = FEATURES,
  parameters: ScoredCampaign['parameters'] = adapted,
): Promise<Float32Array> => scorer.score(rows, { features, parameters });

const open = (): Promise<Scorer> => openScorer({ ...context.model, binding: context.binding });

describe('openScorer', () => {
  it('produces equal bits whatever the order, the session and the other rows of a batch', async () => {
    const one = await open();
    const first: Float32Array[] = [];
    for (const part of parts) first.push(await scoreWith(one, part));
    const backwards: Float32Array[] = [];
    for (const part of [...parts].reverse()) backwards.unshift(await scoreWith(one, part));
    expect(backwards).toEqual(first);
    const other = await open();
    const together = await Promise.all(parts.map((part, i) => scoreWith(i % 2 === 0 ? one : other, part)));
    expect(together).toEqual(first);
    expect(first.map((scores) => scores.length)).toEqual([2900, 2100, 0]);
    await one.close();
    await other.close();
  });

  it('gives the same bits when other campaigns share the rows, whatever their features', async () => {
    const heads = await headsContext(world.root, sampleHeadsUsers(2500));
    try {
      for (const { model, binding, population } of [context, heads]) {
        const rows = population.readRows(Int32Array.from({ length: 2500 }, (_, row) => row));
        const scorer = await openScorer({ ...model, binding });
        const campaigns = ['one', 'two', 'three', 'four'].map((key, i) => {
          const rng = createRng(key);
          const parameters = new Map(
            model.adapted.map((name): [string, Tensor] => {
              const { data, ...type } = model.graph.initializers.get(name)!;
              return [name, { ...type, data: Float32Array.from(data as Float32Array, (x) => x + rng.normal()) }];
            }),
          );
          return { features: i === 2 ? { topic: 'topic 2' } : FEATURES, parameters };
        });
        const alone: Float32Array[] = [];
        for (const campaign of campaigns) alone.push(await scorer.score(rows, campaign));
        const shared: Float32Array[] = [];
        for (const [i, campaign] of campaigns.entries())
          shared.push(await scorer.score(rows, campaign, { rows: 'these', isAwaited: i < 3 }));
        expect(shared).toEqual(alone);
        // other rows under another name
        const others = population.readRows(Int32Array.from({ length: 2500 }, (_, row) => 2499 - row));
        await scorer.score(rows, campaigns[0]!, { rows: 'these', isAwaited: true });
        const backwards = await scorer.score(others, campaigns[0]!, { rows: 'others', isAwaited: false });
        expect(backwards[2499]).toBeCloseTo(alone[0]![0]!, 6);
        await scorer.close();
      }
    } finally {
      await closeContext(heads);
    }
  });

  it('returns probabilities, for the given parameters and campaign', async () => {
    const scorer = await open();
    const scores = await scoreWith(scorer, parts[0]!);
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
    expect(await scoreWith(scorer, parts[0]!, FEATURES, context.model.graph.initializers)).not.toEqual(scores);
    expect(await scoreWith(scorer, parts[0]!, { topic: 'topic 2' })).not.toEqual(scores);
    await scorer.close();
  });

  it('gives the scores of the graph itself, with heads and without', async () => {
    const heads = await headsContext(world.root, sampleHeadsUsers(1500));
    try {
      for (const { model, binding, population } of [context, heads]) {
        const rng = createRng('moved');
        // heads start at zero
        const moved = new Map(
          model.adapted.map((name): [string, Tensor] => {
            const { data, ...type } = model.graph.initializers.get(name)!;
            return [name, { ...type, data: Float32Array.from(data as Float32Array, (x) => x + rng.normal()) }];
          }),
        );
        const rows = population.readRows(Int32Array.from({ length: 1500 }, (_, row) => row));
        const scorer = await openScorer({ ...model, binding });
        const scores = await scorer.score(rows, { features: FEATURES, parameters: moved });
        await scorer.close();
        const session = await openSession({
          ...model.graph,
          initializers: new Map([...model.graph.initializers, ...moved]),
        });
        const whole = {
          ...encodeUsers(model.graph, binding, rows),
          ...encodeCampaign(model.graph, model.folder, FEATURES, 1),
        };
        const expected = (await session.run(whole, { outputs: ['score'] }))['score']!.data as Float32Array;
        await session.close();
        const furthest = Math.max(...scores.map((score, i) => Math.abs(score - expected[i]!)));
        expect(furthest).toBeLessThan(1e-6);
        expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
      }
    } finally {
      await closeContext(heads);
    }
  });

  it('computes little of the heads and nothing of the campaign per user', async () => {
    const heads = tinyGraph(HEADS_CONFIG);
    const { campaign, pools, head } = scoringGraphs(heads, [HEADS.wide, HEADS.query, HEADS.bias, HEADS.scale]);
    expect(head.inputs.filter((name) => name.startsWith('campaign.'))).toEqual([]);
    expect(head.initializers.has(LATENT_TABLE)).toBe(false);
    expect(head.nodes.filter(({ op }) => op === 'Gather')).toEqual([]);
    // heads.wide with the latent vectors times the query; heads.regression, whose look-ups weigh otherwise
    expect(pools.pools.filter(({ width }) => width === 1)).toHaveLength(2);
    expect(campaign!.inputs.filter((name) => name.startsWith('user.'))).toEqual([]);
  });

  it('gives the same scores if tables are too large and ONNX Runtime does the look-ups', async () => {
    const [scorer, whole] = [
      await open(),
      await openScorer({ ...context.model, binding: context.binding }, { maximumTableBytes: 0 }),
    ];
    const [scores, others] = [await scoreWith(scorer, parts[0]!), await scoreWith(whole, parts[0]!)];
    expect(Math.max(...scores.map((score, i) => Math.abs(score - others[i]!)))).toBeLessThan(1e-6);
    await scorer.close();
    await whole.close();
  });

  it('finds the score of a model whose last node has another name, as exporters write them', async () => {
    const { graph } = context.model;
    const nodes = graph.nodes.map((node) => (node.outputs[0] === 'score' ? { ...node, name: '/Squeeze' } : node));
    const [scorer, renamed] = [
      await open(),
      await openScorer({ ...context.model, graph: { ...graph, nodes }, binding: context.binding }),
    ];
    expect(await scoreWith(renamed, parts[1]!)).toEqual(await scoreWith(scorer, parts[1]!));
    await scorer.close();
    await renamed.close();
  });

  it('leaves a token out of every user if asked to', async () => {
    const scorer = await open();
    const list = context.population.features.find(({ kind }) => kind === 'multi')!;
    const campaign = { features: FEATURES, parameters: adapted };
    const scores = await scorer.score(parts[0]!, campaign);
    expect(await scorer.score(parts[0]!, { ...campaign, without: { feature: list.name, id: 1 } })).not.toEqual(scores);
    await scorer.close();
  });

  it('refuses a score that is not a number, naming the user', async () => {
    const scorer = await open();
    const bias = adapted.get('critics.bias')!;
    const broken = new Map([...adapted, ['critics.bias', { ...bias, data: Float32Array.of(Number.NaN, 0) }]]);
    await expect(scoreWith(scorer, parts[1]!, FEATURES, broken)).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringMatching(
        `^the score of user number ${parts[1]!.userNumbers[0]} is not a number: \\w+ node ".+" is the first to produce NaN$`,
      ),
    });
    await scorer.close();
  });
});
