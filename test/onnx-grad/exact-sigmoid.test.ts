/** Probabilities and their loss: ordered and differentiable wherever float32 can distinguish them. */
import { describe, expect, it } from 'vitest';
import { binaryCrossEntropy } from '../../packages/onnx-grad/src/graph/binary-cross-entropy.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { exactSigmoids } from '../../packages/onnx-grad/src/rewrite/exact-sigmoid.ts';
import { runModel } from './onnx-file.ts';

const STEP = 5e-4;
const LOGITS = Float32Array.from({ length: 160_001 }, (_, i) => -40 + i * STEP);
const COARSE = Float32Array.from({ length: 801 }, (_, i) => -40 + i / 10);

const sigmoid = (x: number) => (x > 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

type Make = (b: Builder, x: Value) => Value;

const plain: Make = (b, x) => b.add('Sigmoid', [x]);
/** sum over j of g_j sigmoid(x + j), g of a Softmax, as the critics of MetaHeac are. */
const weighted: Make = (b, x) => {
  const column = b.add('Unsqueeze', [x, b.ints([1])]);
  const shifts = b.constant(tensor('float32', [1, 3], [0, 1, 2]));
  const weights = b.initializer('weights', tensor('float32', [1, 3], [0.1, 0.2, 0.3]));
  const gates = b.add('Softmax', [b.add('Add', [b.add('Mul', [column, b.scalar(0, x)]), weights])], { axis: 1 });
  const each = b.add('Sigmoid', [b.add('Add', [column, shifts])]);
  return b.add('ReduceSum', [b.add('Mul', [gates, each]), b.ints([1])], { keepdims: 0 });
};
const gates = [0.1, 0.2, 0.3].map((x, _, all) => Math.exp(x) / all.reduce((sum, each) => sum + Math.exp(each), 0));
const MIXTURES: readonly (readonly [string, Make, (x: number) => number])[] = [
  ['a sigmoid', plain, sigmoid],
  [
    'a column that is squeezed',
    (b, x) => b.add('Squeeze', [plain(b, b.add('Unsqueeze', [x, b.ints([1])])), b.ints([1])]),
    sigmoid,
  ],
  ['a weighted mean of some', weighted, (x) => gates.reduce((sum, gate, j) => sum + gate * sigmoid(x + j), 0)],
];

function graphOf(make: Make): Graph {
  const b = new Builder();
  const p = make(b, b.input('x', 'float32', ['batch']));
  return exactSigmoids(b.build('model', [p]));
}

const run = async (graph: Graph, feeds: Parameters<typeof runModel>[1]) => {
  const results = await runModel(writeModel(graph), feeds);
  return graph.outputs.map((name) => numbersOf(results[name]!));
};

/**
 * For each x and one label: the loss's slope in x, times the number of rows, and the slope of the sum of all slopes.
 */
async function slopes(make: Make, x: Float32Array, y: number): Promise<readonly number[][]> {
  const b = Builder.from(graphOf(make));
  const [input, p] = [b.get('x'), b.get(graphOf(make).outputs[0]!)];
  const label = b.input('y', 'float32', ['batch']);
  const loss = binaryCrossEntropy(b, p, label);
  const first = addGradients(b, b.build('first', [loss]), loss, [input]).get('x')!;
  const sum = b.add('ReduceSum', [first], { keepdims: 0 });
  const second = addGradients(b, b.build('second', [sum]), sum, [input]).get('x')!;
  const results = await run(b.build('slopes', [first, second]), {
    x: { dtype: 'float32', shape: [x.length], data: x },
    y: tensor('float32', [x.length], new Array<number>(x.length).fill(y)),
  });
  return results.map((list) => list.map((each) => each * x.length));
}

describe('exactSigmoids', () => {
  it.each(MIXTURES)('keeps the order of the logits of %s, and agrees with float64', async (_what, make, truth) => {
    const [scores] = await run(graphOf(make), { x: { dtype: 'float32', shape: [LOGITS.length], data: LOGITS } });
    let [mixed, tied, worst] = [0, 0, 0];
    LOGITS.forEach((x, i) => {
      worst = Math.max(worst, Math.abs(scores![i]! / truth(x) - 1));
      if (i === 0) return;
      if (scores![i]! < scores![i - 1]!) mixed += 1;
      // from here on, neighbours are closer than floats near 1
      if (x < 5 && scores![i] === scores![i - 1]) tied += 1;
    });
    expect({ mixed, tied }).toEqual({ mixed: 0, tied: 0 });
    expect(worst).toBeLessThan(1e-6);
  });

  it('leaves sigmoids inside layers, and graphs without others, unchanged', () => {
    const b = new Builder();
    const hidden = b.add('Tanh', [b.add('Sigmoid', [b.input('x', 'float32', ['batch'])])]);
    const graph = b.build('model', [hidden]);
    expect(exactSigmoids(graph)).toBe(graph);
    const both = exactSigmoids(b.build('model', [b.add('Sigmoid', [hidden])]));
    expect(both.nodes.map(({ op }) => op)).toEqual([
      ...['Sigmoid', 'Tanh', 'Neg', 'Exp', 'Add', 'Reciprocal', 'Abs', 'Greater', 'Sigmoid', 'Where'],
    ]);
    // applying it again changes nothing
    expect(exactSigmoids(both)).toBe(both);
  });
});

describe('binaryCrossEntropy of such probabilities', () => {
  it.each(MIXTURES.slice(0, 2))('has the slope of %s in every logit, for both labels', async (_what, make) => {
    for (const y of [0, 1]) {
      const [first, second] = await slopes(make, COARSE, y);
      COARSE.forEach((x, i) => {
        const wanted = y === 1 ? -sigmoid(-x) : sigmoid(x);
        expect(Math.abs(first![i]! / wanted - 1), `slope at ${x}, label ${y}`).toBeLessThan(1e-6);
        expect(Math.abs(second![i]! - sigmoid(x) * sigmoid(-x)), `bend at ${x}, label ${y}`).toBeLessThan(1e-6);
      });
    }
  });

  it('has the slope of a weighted mean in every logit, for both labels', async () => {
    for (const y of [0, 1]) {
      const [first, second] = await slopes(weighted, COARSE, y);
      const truth = MIXTURES[2]![2];
      COARSE.forEach((x, i) => {
        const rest = gates.reduce((sum, gate, j) => sum + gate * sigmoid(-x - j), 0);
        const slope = gates.reduce((sum, gate, j) => sum + gate * sigmoid(x + j) * sigmoid(-x - j), 0);
        const wanted = y === 1 ? -slope / truth(x) : slope / rest;
        expect(Math.abs(first![i]! / wanted - 1), `slope at ${x}, label ${y}`).toBeLessThan(1e-6);
        expect(Number.isFinite(second![i]), `bend at ${x}, label ${y}`).toBe(true);
      });
    }
  });

  it('is finite for extreme logits, in both orders', async () => {
    const far = Float32Array.from([-1e4, -200, -100, -89, -88, -87, 87, 88, 89, 100, 200, 1e4]);
    for (const make of [plain, weighted])
      for (const y of [0, 1])
        for (const list of await slopes(make, far, y))
          for (const each of list) expect(Number.isFinite(each)).toBe(true);
  });
});

/** Scores and labels: saturated and right, saturated and wrong, at the edge of float32, and in between. */
const ROWS: readonly (readonly [p: number, y: number])[] = [
  [0, 0],
  [0, 1],
  [1, 1],
  [1, 0],
  [1 - 2 ** -24, 1],
  [1 - 2 ** -24, 0],
  [1e-38, 1],
  [1e-38, 0],
  [1e-6, 0],
  [0.3, 0],
  [0.3, 1],
  [0.5, 1],
  [0.9, 0.25],
];

const LEAST_FLOAT32 = 2 ** -126;

/** Values of PyTorch 2.6 for one row, in float64: binary_cross_entropy, its backward and its double backward. */
const loss = (p: number, y: number) => -(y * Math.max(Math.log(p), -100) + (1 - y) * Math.max(Math.log(1 - p), -100));
const slope = (p: number, y: number) => (p - y) / Math.max(p * (1 - p), 1e-12);
const bend = (p: number, y: number) => (p * p - 2 * p * y + y) / ((p + 1e-12) ** 2 * (1 - p + 1e-12) ** 2);

async function orders(rows: readonly (readonly [number, number])[]) {
  const b = new Builder();
  const [p, y] = [b.input('p', 'float32', ['batch']), b.input('y', 'float32', ['batch'])];
  const value = binaryCrossEntropy(b, p, y);
  const first = addGradients(b, b.build('first', [value]), value, [p]).get('p')!;
  const sum = b.add('ReduceSum', [first], { keepdims: 0 });
  const second = addGradients(b, b.build('second', [sum]), sum, [p]).get('p')!;
  const column = (i: 0 | 1) =>
    tensor(
      'float32',
      [rows.length],
      rows.map((row) => row[i]),
    );
  const results = await runModel(writeModel(b.build('bce', [value, first, second])), { p: column(0), y: column(1) });
  return [value, first, second].map(({ name }) => numbersOf(results[name]!));
}

describe('binaryCrossEntropy', () => {
  it("has PyTorch's value, gradient and second derivative, saturated rows included", async () => {
    const rows = ROWS.map(([p, y]): [number, number] => [Math.fround(p), y]);
    const [value, first, second] = await orders(rows);
    const mean = rows.reduce((sum, [p, y]) => sum + loss(p, y), 0) / rows.length;
    expect(Math.abs(value![0]! / mean - 1)).toBeLessThan(1e-6);
    rows.forEach(([p, y], i) => {
      for (const [got, wanted] of [
        [first![i]!, slope(p, y) / rows.length],
        [second![i]!, bend(p, y) / rows.length],
      ] as const) {
        expect(Number.isFinite(got), `row ${p}, ${y}`).toBe(true);
        expect(Math.abs(got - wanted), `row ${p}, ${y}: ${got}, not ${wanted}`).toBeLessThanOrEqual(
          1e-5 * Math.abs(wanted) + LEAST_FLOAT32,
        );
      }
    });
  });

  it('refuses scores and labels that are not one number per row', () => {
    const b = new Builder();
    const p = b.input('p', 'float32', ['batch', 1]);
    expect(() => binaryCrossEntropy(b, p, b.input('y', 'float32', ['batch']))).toThrow(
      'the scores "p" are float32[batch, 1] and the labels "y" are float32[batch], but both must be one number per row',
    );
  });
});
