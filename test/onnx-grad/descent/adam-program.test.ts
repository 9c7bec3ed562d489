/** Adaptation: compact tables compared with full ones, rows that do not change, and saturated scores. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Builder, type Graph, numbersOf, type Tensor, takeFeeds, tensor } from '../../../packages/onnx-grad/index.ts';
import { type LabelledBatch, openAdaptation } from '../../../packages/onnx-grad/src/adam/adam-program.ts';
import { createRng } from '../../../src/lib/rng.ts';

const ROWS = 12;

/**
 * A model with all kinds of tables: `shared` is looked up by two features, one shifted by an offset and one counted
 * from the end; `own` by lists; `whole` is also summed, so it stays whole.
 */
function tableGraph(key: string): Graph {
  const rng = createRng(key);
  const random = (...shape: number[]): Tensor =>
    tensor(
      'float32',
      shape,
      Float64Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => rng.normal()),
    );
  const b = new Builder();
  const first = b.input('user.first', 'int64', ['batch']);
  const second = b.input('user.second', 'int32', ['batch']);
  const list = b.input('user.list', 'int32', ['batch', 2]);
  const shared = b.initializer('shared', random(ROWS, 2));
  const own = b.initializer('own', random(ROWS, 2));
  const whole = b.initializer('whole', random(ROWS, 2));
  const linear = b.add('Add', [first, b.scalar(3, 'int64')]);
  const fromEnd = b.add('Neg', [b.add('Add', [second, b.scalar(1, 'int32')])]);
  const listMean = b.add('ReduceMean', [b.add('Gather', [own, list], { axis: 0 }), b.ints([1])], { keepdims: 0 });
  const features = b.add(
    'Concat',
    [
      b.add('Gather', [shared, linear], { axis: 0 }),
      b.add('Gather', [shared, fromEnd], { axis: 0 }),
      listMean,
      b.add('Gather', [whole, second], { axis: 0 }),
    ],
    { axis: 1 },
  );
  const norm = b.add('ReduceSum', [b.add('Mul', [whole, whole])], { keepdims: 0 }, { name: 'norm' });
  const hidden = b.add('Relu', [
    b.add('Gemm', [features, b.initializer('w', random(8, 3)), b.initializer('bias', random(3))]),
  ]);
  const logits = b.add('ReduceMean', [hidden, b.ints([1])], { keepdims: 0 });
  const damped = b.add('Sub', [logits, b.add('Mul', [norm, b.scalar(0.01, norm)])]);
  return b.build('tables', [b.add('Sigmoid', [damped], {}, { outputs: ['score'] })]);
}

function tableBatch(key: string, size: number): LabelledBatch {
  const rng = createRng(key);
  const ids = (count: number, bound: number): number[] => Array.from({ length: count }, () => rng.integer(bound));
  return {
    feeds: {
      'user.first': tensor('int64', [size], ids(size, 4)),
      'user.second': tensor('int32', [size], ids(size, 3)),
      'user.list': tensor('int32', [size, 2], ids(2 * size, ROWS - 4)),
    },
    labels: Float32Array.from({ length: size }, () => rng.integer(2)),
  };
}

/** Takes steps over `batches` in order, twice. Returns the losses, the scores of the first batch and the parameters. */
async function adapt(graph: Graph, batches: readonly LabelledBatch[], compact: boolean, rate = 0.05) {
  const program = await openAdaptation(graph, [...graph.initializers.keys()], { compact });
  const run = await program.start(graph.initializers, batches, [batches[0]!.feeds]);
  const losses: number[] = [];
  for (let epoch = 0; epoch < 2; epoch++) for (let i = 0; i < batches.length; i++) losses.push(await run.step(i, rate));
  const scores = await run.scores(0);
  const parameters = run.parameters();
  await program.close();
  return { cut: program.cut, losses, scores, parameters };
}

function expectSame(one: Awaited<ReturnType<typeof adapt>>, other: Awaited<ReturnType<typeof adapt>>): void {
  one.losses.forEach((loss, i) => {
    expect(Math.abs(loss - other.losses[i]!), `loss ${i}`).toBeLessThan(1e-6);
  });
  for (const [name, value] of one.parameters) {
    const others = numbersOf(other.parameters.get(name)!);
    numbersOf(value).forEach((x, i) => {
      expect(Math.abs(x - others[i]!), `${name}[${i}]`).toBeLessThan(1e-5);
    });
  }
}

describe('openAdaptation', () => {
  it('produces the same result with compact and full tables, whatever the tables and their indices', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.nat(), sizes, async (seed, batchSizes) => {
        const graph = tableGraph(`model ${seed}`);
        const batches = batchSizes.map((size, i) => tableBatch(`batch ${seed} ${i}`, size));
        const compact = await adapt(graph, batches, true);
        expect(compact.cut.tables.map(({ parameter }) => parameter)).toEqual(['shared', 'own']);
        expect(compact.cut.dense.get('whole')).toBe('Mul node "Mul" uses the whole parameter');
        expectSame(compact, await adapt(graph, batches, false));
      }),
      { numRuns: 8 },
    );
  });

  it('keeps the exact bits of rows that no batch uses', async () => {
    const graph = tableGraph('bits');
    const batch = tableBatch('bits', 5);
    const { parameters } = await adapt(graph, [batch], true);
    const usedShared = new Set([
      ...numbersOf(batch.feeds['user.first']!).map((id) => id + 3),
      ...numbersOf(batch.feeds['user.second']!).map((id) => ROWS - 1 - id),
    ]);
    const used = { shared: usedShared, own: new Set(numbersOf(batch.feeds['user.list']!)) };
    for (const [name, rows] of Object.entries(used)) {
      expect(rows.size).toBeLessThan(ROWS);
      const before = graph.initializers.get(name)!.data as Float32Array;
      const after = parameters.get(name)!.data as Float32Array;
      let changed = 0;
      for (let row = 0; row < ROWS; row++) {
        const same = before.subarray(2 * row, 2 * row + 2).every((x, i) => Object.is(x, after[2 * row + i]));
        if (!same) changed += 1;
        if (!rows.has(row)) expect(same, `${name} row ${row}`).toBe(true);
      }
      expect(changed).toBeGreaterThan(0);
    }
  });

  it('changes neither the parameters that it starts from nor another run', async () => {
    const graph = tableGraph('beside');
    const before = new Map([...graph.initializers].map(([name, value]) => [name, numbersOf(value)]));
    const batches = [tableBatch('one', 4), tableBatch('two', 3)];
    const program = await openAdaptation(graph, [...graph.initializers.keys()]);
    const [left, right] = [
      await program.start(graph.initializers, batches),
      await program.start(graph.initializers, batches),
    ];
    const alone = await program.start(graph.initializers, batches);
    for (const i of [0, 1, 0]) {
      await left.step(i, 0.05);
      await right.step(1 - i, 0.05);
    }
    for (const i of [0, 1, 0]) await alone.step(i, 0.05);
    expect(left.parameters()).toEqual(alone.parameters());
    expect(left.parameters()).not.toEqual(right.parameters());
    for (const [name, value] of graph.initializers) expect(numbersOf(value)).toEqual(before.get(name));
    await program.close();
  });

  it('returns parameters that later steps do not change', async () => {
    const graph = tableGraph('snapshot');
    const program = await openAdaptation(graph, [...graph.initializers.keys()]);
    const run = await program.start(graph.initializers, [tableBatch('one', 4)]);
    await run.step(0, 0.05);
    const first = run.parameters();
    const copy = new Map([...first].map(([name, value]) => [name, numbersOf(value)]));
    await run.step(0, 0.05);
    await run.step(0, 0.05);
    for (const [name, value] of first) expect(numbersOf(value)).toEqual(copy.get(name));
    await program.close();
  });

  it('adapts only the given parameters', async () => {
    const graph = tableGraph('some');
    const program = await openAdaptation(graph, ['own', 'bias']);
    const run = await program.start(graph.initializers, [tableBatch('one', 4)]);
    await run.step(0, 0.05);
    expect([...run.parameters().keys()]).toEqual(['own', 'bias']);
    await program.close();
  });

  it.each([
    ['right', [1, 0]],
    ['wrong', [0, 1]],
  ])('stays finite if scores are saturated and %s', async (_, labels) => {
    const b = new Builder();
    const ids = b.input('user.id', 'int32', ['batch']);
    const table = b.initializer('table', tensor('float32', [3, 1], [200, -200, 0]));
    const logit = b.add('Squeeze', [b.add('Gather', [table, ids], { axis: 0 }), b.ints([1])]);
    const graph = b.build('saturated', [b.add('Sigmoid', [logit], {}, { outputs: ['score'] })]);
    const batch = { feeds: { 'user.id': tensor('int32', [2], [0, 1]) }, labels: Float32Array.from(labels) };
    const { losses, scores, parameters } = await adapt(graph, [batch], true);
    expect([...scores]).toEqual([1, 0]);
    expect(losses.every(Number.isFinite)).toBe(true);
    // PyTorch clamps logarithms at -100
    expect(losses[0]! + 0).toBe(labels[0] === 1 ? 0 : 100);
    expect(numbersOf(parameters.get('table')!).every(Number.isFinite)).toBe(true);
  });

  it('refuses an index that is not in its table, and names both', async () => {
    const graph = tableGraph('refusal');
    const program = await openAdaptation(graph, [...graph.initializers.keys()]);
    const batch = tableBatch('one', 2);
    const bad = { ...batch, feeds: { ...batch.feeds, 'user.first': tensor('int64', [2], [0, 9]) } };
    await expect(program.start(graph.initializers, [bad])).rejects.toMatchObject({
      code: 'index_out_of_range',
      message: 'index 12 is outside table "shared" of 12 rows',
    });
    const low = { ...batch, feeds: { ...batch.feeds, 'user.first': tensor('int64', [2], [0, -16]) } };
    await expect(program.start(graph.initializers, [low])).rejects.toThrow(/index -13 is outside table "shared"/);
    await program.close();
  });
});

describe('weights of a batch', () => {
  it('multiply the losses of rows, so a row of weight k counts like k equal rows', async () => {
    const graph = tableGraph('weights');
    const batch = tableBatch('weights', 6);
    const weights = Float32Array.of(1, 2, 3, 1, 2, 3);
    const places = Int32Array.from([...weights.keys()].flatMap((i) => Array.from({ length: weights[i]! }, () => i)));
    const feeds = takeFeeds(batch.feeds, places);
    const copies = await adapt(graph, [{ feeds, labels: Float32Array.from(places, (i) => batch.labels[i]!) }], true);
    const mean = places.length / weights.length;
    const weighted = await adapt(graph, [{ ...batch, weights: weights.map((weight) => weight / mean) }], true);
    expectSame(weighted, copies);
    const equal = await adapt(graph, [{ ...batch, weights: weights.map(() => 1) }], true);
    expectSame(equal, await adapt(graph, [batch], true));
    expect(Math.abs(equal.losses[1]! - weighted.losses[1]!)).toBeGreaterThan(1e-3);
  });
});
