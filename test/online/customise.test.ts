/** Customising the general model: equal bits for equal seeds, and a model that finds users like the seeds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customise } from '../../src/online/customise.ts';
import { type CustomiseRequest, type OnlineContext, openOnlineProgram } from '../../src/online/online-context.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { modelOf, openWorld, splitRows, type World } from './world.ts';

let world: World;
let context: OnlineContext;
let fans: Int32Array;
let others: Int32Array;
beforeAll(async () => {
  world = await openWorld(300);
  context = world.context;
  ({ fans, others } = splitRows(context.population));
});
afterAll(() => world.close());

const EARLY = { held_out_share: 0.25, minimum_held_out: 5 };

const requestOf = (seeds: Int32Array, key = 'k'): CustomiseRequest => ({
  key,
  features: { topic: 'topic 1', words: ['words 2'] },
  seeds,
  candidates: Int32Array.from([...fans.filter((row) => !seeds.includes(row)), ...others]).sort(),
});

describe('customise', () => {
  it('produces equal bits for equal requests, also beside others', async () => {
    const request = requestOf(fans.slice(0, 30));
    const once = await customise(context, request);
    const [again, other] = [await customise(context, request), await customise(context, requestOf(fans.slice(10, 40)))];
    expect(again).toEqual(once);
    expect(other.parameters).not.toEqual(once.parameters);
    const together = await Promise.all([
      customise(context, request),
      customise(context, requestOf(fans.slice(10, 40))),
    ]);
    expect(together).toEqual([once, other]);
  });

  it('depends on the key and on the campaign', async () => {
    const request = requestOf(fans.slice(0, 30));
    const { parameters } = await customise(context, request);
    expect((await customise(context, { ...request, key: 'other' })).parameters).not.toEqual(parameters);
    expect((await customise(context, { ...request, features: { topic: 'topic 2' } })).parameters).not.toEqual(
      parameters,
    );
  });

  it("leaves the general model's parameters as they are", async () => {
    const before = new Map(
      [...context.model.graph.initializers].map(([name, { data }]) => [name, (data as Float32Array).slice()]),
    );
    await customise(context, requestOf(fans.slice(0, 30)));
    for (const [name, { data }] of context.model.graph.initializers) expect(data).toEqual(before.get(name));
  });

  it('reports progress that never goes back and ends at 1', async () => {
    const shares: number[] = [];
    await customise(context, { ...requestOf(fans.slice(0, 30)), onProgress: (share) => shares.push(share) });
    expect(shares.length).toBeGreaterThan(1);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares.at(-1)).toBe(1);
  });

  it('learns what the seeds like, and measures how well with held-out ones', async () => {
    const model = await modelOf(world.root, { epochs: 12, rate: 0.05, early_stopping: EARLY });
    const program = await openOnlineProgram(model);
    const learner = { ...context, model, program };
    const seeds = fans.slice(0, 40);
    const { parameters, quality, prediction, epochs } = await customise(learner, requestOf(seeds));
    await program.steps.close();
    expect(quality).toMatchObject({ held_out_seeds: 40, candidates: 65 });
    expect(quality!.auc).toBeGreaterThan(0.75);
    expect(prediction!.auc!.mean).toBeCloseTo(quality!.auc, 12);
    expect(epochs).toBeGreaterThanOrEqual(1);
    expect(epochs).toBeLessThanOrEqual(12);
    expect(prediction!.reason).toMatch(
      /; the model is adapted by \d+ pass(es)? over the seeds: held-out seeds had AUC 0\.\d\d/,
    );
    const scorer = await openScorer({ ...model, binding: context.binding });
    const rows = Int32Array.from([...fans.slice(40), ...others]);
    const { features } = requestOf(seeds);
    const scores = await scorer.score(context.population.readRows(rows), { features, parameters });
    await scorer.close();
    const labels = Uint8Array.from(rows, (_, i) => (i < fans.length - 40 ? 1 : 0));
    expect(measureRanking(rows, scores, labels).auc).toBeGreaterThan(0.9);
  });

  it('holds out no seeds if there are few, and then has no report and is unsure', async () => {
    const model = await modelOf(world.root, { early_stopping: EARLY });
    const program = await openOnlineProgram(model);
    const customised = await customise({ ...context, model, program }, requestOf(fans.slice(0, 4)));
    await program.steps.close();
    expect(customised).toMatchObject({ quality: null, epochs: 3 });
    expect(customised.prediction).toMatchObject({ verdict: 'unsure', auc: null });
  });

  it('leaves the model unchanged if held-out seeds rank worse after adapting', async () => {
    // steps so large that the model forgets everything
    const model = await modelOf(world.root, { epochs: 3, rate: 30, early_stopping: EARLY });
    const program = await openOnlineProgram(model);
    const learned = await customise(context, requestOf(fans.slice(0, 60)));
    const knowing = { ...context, model, program, parameters: learned.parameters };
    const { parameters, epochs, prediction } = await customise(knowing, requestOf(fans.slice(0, 40)));
    await program.steps.close();
    expect(epochs).toBe(0);
    expect(parameters).toEqual(learned.parameters);
    expect(prediction!.auc!.mean).toBeGreaterThan(0.7);
    expect(prediction!.reason).toMatch(
      /; the model is not adapted: held-out seeds had AUC 0\.[789]\d before adaptation and 0\.\d\d after 3 passes/,
    );
  });

  it('works with one seed and one candidate', async () => {
    const request = { ...requestOf(fans.slice(0, 1)), candidates: others.slice(0, 1) };
    const { parameters } = await customise(context, request);
    for (const { data } of parameters.values()) expect((data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  it('starts from the given parameters', async () => {
    const request = requestOf(fans.slice(0, 30));
    const { parameters } = await customise(context, request);
    const further = await customise({ ...context, parameters }, request);
    expect(further.parameters).not.toEqual(parameters);
    expect([...further.parameters.keys()]).toEqual([...parameters.keys()]);
  });
});
