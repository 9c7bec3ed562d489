import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binaryCrossEntropy } from '../../packages/onnx-grad/src/graph/binary-cross-entropy.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients, differentiate } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { prune } from '../../packages/onnx-grad/src/graph/prune.ts';
import { isFloat, numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import type { OpAttributes } from '../../packages/onnx-grad/src/ops/attributes.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';
import { expectClose } from './ops/orders.ts';

const scalar = (value: number) => tensor('float32', [], [value]);

async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, number[]>> {
  const results = await runModel(writeModel(graph), feeds);
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, numbersOf(value)]));
}

describe('differentiate', () => {
  it('sums over all uses of a value', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', []);
    const loss = b.add('Add', [b.add('Mul', [x, x]), x], {}, { name: 'loss' });
    const graph = differentiate(b.build('g', [loss]), 'loss', ['x']);
    expect(await run(graph, { x: scalar(3) })).toEqual({ loss: [12], 'grad/x': [7] });
  });

  it('can be applied to its own result', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', []);
    const cube = b.add('Mul', [b.add('Mul', [x, x]), x], {}, { name: 'cube' });
    const first = differentiate(b.build('g', [cube]), 'cube', ['x']);
    const second = differentiate(first, 'grad/x', ['x']);
    const third = differentiate(second, 'grad/x_1', ['x']);
    const results = await run(third, { x: scalar(5) });
    expect(results).toEqual({ cube: [125], 'grad/x': [75], 'grad/x_1': [30], 'grad/x_2': [6] });
  });

  it("returns zeros, in the parameter's shape, if the loss does not use it", async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch']);
    b.initializer('idle', tensor('float32', [2, 1], [1, 2]));
    b.add('ReduceSum', [x], { keepdims: 0 }, { name: 'loss' });
    b.input('fed', 'float32', ['rows', 2]);
    const graph = differentiate(b.build('g', []), 'loss', ['fed', 'idle', 'x']);
    const results = await runModel(writeModel(graph), {
      x: tensor('float32', [3], [1, 2, 3]),
      fed: tensor('float32', [2, 2], [1, 2, 3, 4]),
    });
    expect(Object.keys(results)).toEqual(['grad/fed', 'grad/idle', 'grad/x']);
    expect(results['grad/fed']).toMatchObject({ shape: [2, 2], data: new Float32Array(4) });
    expect(results['grad/idle']).toMatchObject({ shape: [2, 1], data: new Float32Array(2) });
    expect(numbersOf(results['grad/x']!)).toEqual([1, 1, 1]);
  });

  it('returns zeros through an op that has no gradient', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', [2]);
    const steps = b.add('Cast', [b.add('Greater', [x, b.scalar(0, x)])], { to: 'float32' });
    b.add('ReduceSum', [steps], { keepdims: 0 }, { name: 'loss' });
    const graph = differentiate(b.build('g', []), 'loss', ['x']);
    expect(await run(graph, { x: tensor('float32', [2], [1, -1]) })).toEqual({ 'grad/x': [0, 0] });
  });

  it('accepts a parameter that is also an output, the loss itself, and intermediate values', async () => {
    const b = new Builder();
    const w = b.initializer('w', scalar(3));
    const h = b.add('Mul', [w, w], {}, { outputs: ['h'] });
    const loss = b.add('Mul', [h, b.scalar(2, h)], {}, { outputs: ['loss'] });
    const graph = differentiate(b.build('g', [w, loss]), 'loss', ['w', 'h', 'loss']);
    expect(await run(graph, {})).toEqual({ w: [3], loss: [18], 'grad/w': [12], 'grad/h': [2], 'grad/loss': [1] });
  });

  it('does not call the rule of a node that only computes a parameter', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', []);
    const range = b.add('Range', [b.scalar(0, x), x, b.scalar(1, x)]);
    b.add('ReduceSum', [b.add('Mul', [range, range])], { keepdims: 0 }, { name: 'loss' });
    const graph = differentiate(b.build('g', []), 'loss', [range.name]);
    expect(await run(graph, { x: scalar(3) })).toEqual({ 'grad/Range': [0, 2, 4] });
  });

  it('refuses an op that cannot be differentiated, with its node and the path from the loss', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', []);
    const range = b.add('Range', [b.scalar(0, x), b.add('Neg', [x]), b.scalar(1, x)], {}, { name: 'steps' });
    const hidden = b.add('Relu', [range], {}, { name: 'hidden' });
    b.add('ReduceSum', [hidden], { keepdims: 0 }, { name: 'loss' });
    expect(() => differentiate(b.build('g', []), 'loss', ['x'])).toThrow(
      'Range node "steps" cannot be differentiated: a Range has no gradient with respect to its start, limit and ' +
        'delta (path from the loss: loss <- hidden <- steps)',
    );
  });

  it('refuses a gradient that a rule does not provide, with the node and the path from the loss', () => {
    const b = new Builder();
    const [x, low] = [b.input('x', 'float32', [2]), b.input('low', 'float32', [])];
    const clip = b.add('Clip', [x, low], {}, { name: 'floor' });
    b.add('ReduceSum', [clip], { keepdims: 0 }, { name: 'loss' });
    const graph = b.build('g', []);
    expect(() => differentiate(graph, 'loss', ['low'])).toThrow(
      'Clip node "floor" cannot be differentiated: the bounds of Clip have no gradient (path from the loss: loss <- floor)',
    );
    expect(() => differentiate(graph, 'loss', ['x'])).not.toThrow();
  });

  it('refuses a loss that is not a float scalar, an integer parameter, and unknown names', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['n']);
    b.add('ReduceSum', [x], { keepdims: 0 }, { name: 'loss' });
    b.input('count', 'int64', []);
    const graph = b.build('g', []);
    expect(() => differentiate(graph, 'x', ['x'])).toThrow('the loss "x" is float32[n], not a float scalar');
    expect(() => differentiate(graph, 'count', ['x'])).toThrow('the loss "count" is int64[], not a float scalar');
    expect(() => differentiate(graph, 'loss', ['count'])).toThrow(
      'the parameter "count" is int64[]: only floats have a gradient',
    );
    expect(() => differentiate(graph, 'loss', ['w'])).toThrow('no value is called "w"');
    expect(() => differentiate(graph, 'cost', ['x'])).toThrow('no value is called "cost"');
  });
});

describe('differentiate on an export of PyTorch', () => {
  const folder = new URL('../golden/torch-export-opset17/', import.meta.url);
  const exported = readModel(new Uint8Array(readFileSync(new URL('model.onnx', folder))));
  const { forward } = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as {
    forward: {
      inputs: Record<string, number[] | number[][]>;
      labels: number[];
      gradients: Record<string, number[]>;
    };
  };

  it("returns PyTorch's gradients, and both orders agree with central differences", async () => {
    const names = Object.keys(forward.gradients);
    const b = new Builder();
    const values = new Map<string, Value>();
    for (const name of exported.inputs) {
      const { dtype, shape } = exported.values.get(name)!;
      values.set(name, b.input(name, dtype, shape));
    }
    for (const name of names) values.set(name, b.input(name, 'float64', exported.values.get(name)!.shape));
    const score = inlineAsDouble(b, exported, values);
    const loss = binaryCrossEntropy(b, score, b.input('label', 'float64', score.shape));
    const parameters = names.map((name) => values.get(name)!);
    const first = addGradients(b, b.build('first', [loss]), loss, parameters);
    const product = names
      .map((name) => {
        const direction = b.input(`v.${name}`, 'float64', values.get(name)!.shape);
        return b.add('ReduceSum', [b.add('Mul', [direction, first.get(name)!])], { keepdims: 0 });
      })
      .reduce((sum, term) => b.add('Add', [sum, term]));
    const second = addGradients(b, b.build('second', [product]), product, parameters);
    const outputs = [loss, product, ...names.flatMap((name) => [first.get(name)!, second.get(name)!])];
    const bytes = writeModel(prune(b.build('orders', outputs)));

    const rng = createRng('export');
    const draw = (like: Tensor): Tensor =>
      tensor(
        'float64',
        like.shape,
        Float64Array.from(like.data as Float32Array, () => rng.normal()),
      );
    const at = new Map(names.map((name) => [name, exported.initializers.get(name)!]));
    const [v, w] = [0, 1].map(() => new Map(names.map((name) => [name, draw(at.get(name)!)])));
    const fixed: Record<string, Tensor> = { label: tensor('float64', [forward.labels.length], forward.labels) };
    for (const [name, column] of Object.entries(forward.inputs)) {
      const shape = Array.isArray(column[0]) ? [column.length, column[0].length] : [column.length];
      if (values.has(name)) fixed[name] = tensor(values.get(name)!.dtype, shape, column.flat());
    }
    for (const [name, direction] of v!) fixed[`v.${name}`] = direction;
    /** At the parameters moved by `step` along `w`. */
    const runAt = (step: number) => {
      const moved = names.map((name): [string, Tensor] => {
        const [from, along] = [numbersOf(at.get(name)!), numbersOf(w!.get(name)!)];
        return [
          name,
          tensor(
            'float64',
            at.get(name)!.shape,
            from.map((x, i) => x + step * along[i]!),
          ),
        ];
      });
      return runModel(bytes, { ...fixed, ...Object.fromEntries(moved) });
    };

    const here = await runAt(0);
    for (const name of names) {
      const wanted = forward.gradients[name]!;
      const largest = Math.max(...wanted.map(Math.abs));
      const got = numbersOf(here[first.get(name)!.name]!);
      expectClose(
        got.map((x) => x / largest),
        wanted.map((x) => x / largest),
        1e-5,
        `gradient of "${name}"`,
      );
    }
    const step = 1e-6;
    const [above, below] = [await runAt(step), await runAt(-step)];
    const along = (gradients: ReadonlyMap<string, Value>) =>
      names.reduce((sum, name) => {
        const gradient = numbersOf(here[gradients.get(name)!.name]!);
        return sum + numbersOf(w!.get(name)!).reduce((part, x, i) => part + x * gradient[i]!, 0);
      }, 0);
    for (const [order, [value, gradients]] of (
      [
        [loss, first],
        [product, second],
      ] as const
    ).entries()) {
      const difference = Number(above[value.name]!.data[0]) - Number(below[value.name]!.data[0]);
      expectClose([along(gradients)], [difference / (2 * step)], 1e-6, `derivative of order ${order + 1}`);
    }
  });

  it("returns a gradient of its parameter's type, even if the sizes have other names", () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['n', 'k']);
    const product = b.add('MatMul', [x, b.initializer('w', tensor('float32', [4, 2], new Array(8).fill(1)))]);
    const loss = b.add('ReduceSum', [product], { keepdims: 0 }, { name: 'loss' });
    const graph = differentiate(b.build('model', [loss]), 'loss', ['w']);
    expect(graph.values.get('grad/w')).toMatchObject({ shape: [4, 2] });
  });
});

/** `graph`'s first output, with every float32 a float64. */
function inlineAsDouble(b: Builder, graph: Graph, values: ReadonlyMap<string, Value>): Value {
  const mapped = new Map(values);
  for (const [name, source] of [...graph.constants, ...graph.initializers]) {
    const data = isFloat(source.dtype) ? tensor('float64', source.shape, numbersOf(source)) : source;
    if (!mapped.has(name)) mapped.set(name, b.constant(data, name));
  }
  for (const node of graph.nodes) {
    const { to, dtype } = node.attributes as Partial<OpAttributes['Cast'] & OpAttributes['ConstantOfShape']>;
    const attributes = {
      ...node.attributes,
      ...(to === 'float32' ? { to: 'float64' as const } : {}),
      ...(dtype === 'float32' ? { dtype: 'float64' as const } : {}),
    };
    const inputs = node.inputs.map((name) => (name === '' ? null : mapped.get(name)!));
    mapped.set(node.outputs[0]!, b.addAll(node.op, inputs, attributes, { name: node.name })[0]!);
  }
  return mapped.get(graph.outputs[0]!)!;
}
