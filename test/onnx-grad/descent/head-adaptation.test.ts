/**
 * Steps on the heads alone equal plain gradient descent through the whole graph, whatever is precomputed and however
 * tables are stored.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addGradients,
  Builder,
  binaryCrossEntropy,
  descentStep,
  type Graph,
  numbersOf,
  type Tensor,
  tensor,
} from '../../../packages/onnx-grad/index.ts';
import { type HeadProgram, openHeadProgram } from '../../../packages/onnx-grad/src/descent/head-adaptation.ts';
import type { Rates } from '../../../packages/onnx-grad/src/descent/head-run.ts';
import { type Feeds, openSession } from '../../../packages/onnx-grad/src/session/session.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import type { MetaHeacConfig } from '../../../src/model/architectures/metaheac.ts';
import { randomFeeds, scoresOf, TINY, tinyGraph } from '../../model/tiny-model.ts';

const CONFIG: MetaHeacConfig = { ...TINY, pooling: 'root', heads: { latent: 3 } };
const RATES: Rates = { [HEADS.wide]: 0.8, [HEADS.query]: 0.3, [HEADS.bias]: 2 };
const ROWS = 30;

const graph = tinyGraph(CONFIG);
const feeds = randomFeeds(CONFIG, ROWS, 'users');
/** Rows `from` .. `to` of the users; the campaign is unchanged. */
const feedsOf = (from: number, to: number): Feeds => rowsOf(Int32Array.from({ length: to - from }, (_, i) => from + i));

function rowsOf(rows: Int32Array): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, feed]): [string, Tensor] => {
      if (!name.startsWith('user.')) return [name, feed];
      const width = feed.shape[1] ?? 1;
      const values = numbersOf(feed);
      const data = [...rows].flatMap((row) => values.slice(row * width, (row + 1) * width));
      return [name, tensor('int32', [rows.length, ...feed.shape.slice(1)], data)];
    }),
  );
}

/** Full-batch steps of the whole graph with dense parameters. */
async function plainDescent(
  whole: Graph,
  rates: Readonly<Record<string, number>>,
  batches: readonly { readonly rows: Int32Array; readonly labels: Float32Array }[],
  feedOf: (rows: Int32Array) => Feeds,
) {
  const b = new Builder();
  const names = Object.keys(rates);
  const given = new Map(
    whole.inputs.map((name) => {
      const { dtype, shape } = whole.values.get(name)!;
      return [name, b.input(name, dtype, shape)];
    }),
  );
  for (const [name, value] of whole.initializers)
    given.set(name, names.includes(name) ? b.input(name, value.dtype, value.shape) : b.initializer(name, value));
  const score = b.inline(whole, given, '').get(whole.outputs[0]!)!;
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
  const gradients = addGradients(
    b,
    b.build('loss', [loss]),
    loss,
    names.map((name) => given.get(name)!),
  );
  const next = names.map((name) =>
    descentStep(b, given.get(name)!, gradients.get(name)!, b.scalar(rates[name]!, 'float32')),
  );
  const step = b.build('step', [loss, ...next]);
  const session = await openSession(step);
  let current: Feeds = Object.fromEntries(names.map((name) => [name, whole.initializers.get(name)!]));
  const losses: number[] = [];
  for (const { rows, labels } of batches) {
    const out = await session.run({ ...feedOf(rows), ...current, label: tensor('float32', [rows.length], labels) });
    losses.push(Number(out[step.outputs[0]!]!.data[0]));
    current = Object.fromEntries(names.map((name, i) => [name, out[step.outputs[i + 1]!]!]));
  }
  await session.close();
  return { losses, parameters: new Map(Object.entries(current)) };
}

const BATCHES = Array.from({ length: 4 }, (_, step) => {
  const rng = createRng(`step ${step}`);
  // a row may be in a batch twice
  const rows = Int32Array.from({ length: 12 }, () => rng.integer(ROWS));
  return { rows, labels: Float32Array.from(rows, (row) => (row % 3 === 0 ? 1 : 0)) };
});

function expectClose(actual: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, Tensor>): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, value] of expected) {
    expect(actual.get(name)!.shape).toEqual(value.shape);
    const got = numbersOf(actual.get(name)!);
    numbersOf(value).forEach((x, i) => {
      expect(Math.abs(got[i]! - x), `${name}[${i}]`).toBeLessThan(2e-6);
    });
  }
}

describe('openHeadProgram', () => {
  let program: HeadProgram;
  beforeAll(async () => {
    program = await openHeadProgram(graph, Object.keys(RATES));
  });
  afterAll(() => program.close());

  it('refuses parameters that do more than shift logits: not_linear', async () => {
    // each critic has its own bias, so there is no single number per row
    await expect(openHeadProgram(graph, [...Object.keys(RATES), 'critics.bias'])).rejects.toMatchObject({
      code: 'not_linear',
      message: expect.stringContaining('only shift logits'),
    });
  });

  it('takes the same steps as gradient descent through the whole graph with full tables', async () => {
    const expected = await plainDescent(graph, RATES, BATCHES, rowsOf);
    const run = await program.start(graph.initializers, await program.boundary(graph.initializers, ROWS, feedsOf));
    for (const [i, { rows, labels }] of BATCHES.entries()) {
      const scores = await run.scores();
      const losses = Array.from(rows, (row, k) => -Math.log(labels[k] === 1 ? scores[row]! : 1 - scores[row]!));
      expect(losses.reduce((sum, loss) => sum + loss, 0) / rows.length).toBeCloseTo(expected.losses[i]!, 5);
      await run.step(rows, labels, RATES);
    }
    expectClose(run.parameters(), expected.parameters);
    expect(numbersOf(run.parameters().get(HEADS.wide)!)).not.toEqual(numbersOf(graph.initializers.get(HEADS.wide)!));
  });

  it('scores all rows like the whole graph with the current parameters', async () => {
    const run = await program.start(graph.initializers, await program.boundary(graph.initializers, ROWS, feedsOf));
    for (const { rows, labels } of BATCHES) await run.step(rows, labels, RATES);
    const stepped = { ...graph, initializers: new Map([...graph.initializers, ...run.parameters()]) };
    const expected = await scoresOf(stepped, feeds);
    const scores = await run.scores();
    expect(scores.length).toBe(ROWS);
    expected.forEach((score, i) => {
      expect(Math.abs(scores[i]! - score)).toBeLessThan(1e-6);
    });
    expect([...scores]).not.toEqual([...(await scoresOf(graph, feeds))]);
  });

  it('returns to the start, and then takes bit-identical steps', async () => {
    const run = await program.start(graph.initializers, await program.boundary(graph.initializers, ROWS, feedsOf));
    const play = async () => {
      for (const { rows, labels } of BATCHES) await run.step(rows, labels, RATES);
      return run.scores();
    };
    const before = await run.scores();
    const once = await play();
    run.reset();
    expect(await run.scores()).toEqual(before);
    for (const name of Object.keys(RATES)) expect(run.parameters().get(name)).toEqual(graph.initializers.get(name));
    expect(await play()).toEqual(once);
  });

  it('does not change table rows that no user has', async () => {
    // nobody has a tag
    const bare = (from: number, to: number): Feeds => ({
      ...feedsOf(from, to),
      'user.tags.length': tensor('int32', [to - from], new Int32Array(to - from)),
      'user.tags': tensor('int32', [to - from, 3], new Int32Array(3 * (to - from))),
    });
    const run = await program.start(graph.initializers, await program.boundary(graph.initializers, ROWS, bare));
    for (const { rows, labels } of BATCHES) await run.step(rows, labels, RATES);
    const [wide, before] = [run.parameters(), graph.initializers].map((all) => numbersOf(all.get(HEADS.wide)!));
    expect(wide!.slice(5)).toEqual(before!.slice(5));
    expect(wide!.slice(0, 5)).not.toEqual(before!.slice(0, 5));
  });

  it("has the campaign's part of the boundary once, and the users' part per row", async () => {
    const { rows, perRow, shared } = await program.boundary(graph.initializers, ROWS, feedsOf);
    expect(rows).toBe(ROWS);
    for (const { shape } of Object.values(perRow)) expect(shape[0]).toBe(ROWS);
    expect(Object.values(shared).map(({ shape }) => shape)).toContainEqual([1, 3]);
    expect(Object.keys(perRow).length).toBeGreaterThan(2);
  });

  it('computes the boundary of many users in parts, with the same values', async () => {
    const many = 2050;
    const wrapped = (from: number, to: number): Feeds =>
      rowsOf(Int32Array.from({ length: to - from }, (_, i) => (from + i) % ROWS));
    const run = await program.start(graph.initializers, await program.boundary(graph.initializers, many, wrapped));
    const scores = await run.scores();
    const expected = await scoresOf(graph, feeds);
    for (const row of [0, 1, 2047, 2048, 2049])
      expect(Math.abs(scores[row]! - expected[row % ROWS]!)).toBeLessThan(1e-6);
  });
});

describe('openHeadProgram on a linear term', () => {
  it('accepts a frozen parameter that the head itself reads', async () => {
    // score = sigmoid(scale * (x * term)): `scale` is not adapted, but multiplies the adapted term
    const b = new Builder();
    const x = b.input('user.x', 'float32', ['batch', 1]);
    const term = b.initializer('shift', tensor('float32', [1], [0.5]));
    const scale = b.initializer('scale', tensor('float32', [1], [2]));
    const logit = b.add('Mul', [scale, b.add('Mul', [b.add('Tanh', [x]), term])]);
    const score = b.add('Squeeze', [b.add('Sigmoid', [logit]), b.ints([1])], {}, { outputs: ['score'] });
    const own = b.build('own', [score]);
    const values = createRng('x');
    const data = Float32Array.from({ length: ROWS }, () => values.normal());
    const feed = (rows: Int32Array): Feeds => ({
      'user.x': tensor(
        'float32',
        [rows.length, 1],
        Array.from(rows, (row) => data[row]!),
      ),
    });
    const small = await openHeadProgram(own, ['shift']);
    const boundary = await small.boundary(own.initializers, ROWS, (from, to) =>
      feed(Int32Array.from({ length: to - from }, (_, i) => from + i)),
    );
    const run = await small.start(own.initializers, boundary);
    for (const { rows, labels } of BATCHES) await run.step(rows, labels, { shift: 0.4 });
    await small.close();
    expectClose(run.parameters(), (await plainDescent(own, { shift: 0.4 }, BATCHES, feed)).parameters);
    expect(run.parameters().get('shift')!.data[0]).not.toBe(0.5);
  });
});
