import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients, differentiate } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { runModel } from './onnx-file.ts';

/** `y = relu(x w)` with a parameter `w`. */
function layer(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2]);
  const w = b.initializer('w', tensor('float32', [2, 1], [3, -1]));
  return b.build('layer', [b.add('Relu', [b.add('MatMul', [x, w])], {}, { outputs: ['y'] })]);
}

describe('Builder', () => {
  it('returns names that describe the value, each only once', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', [2]);
    const names = b.named('gate/', () => [
      b.add('Relu', [x]).name,
      b.add('Relu', [x]).name,
      b.add('Relu', [x], {}, { name: 'hidden' }).name,
      b.add('Relu', [x], {}, { name: 'hidden', outputs: ['h'] }).name,
    ]);
    expect(names).toEqual(['gate/Relu', 'gate/Relu_1', 'hidden', 'h']);
    expect(b.build('g', []).nodes.map((node) => node.name)).toEqual(['gate/Relu', 'gate/Relu_1', 'hidden', 'hidden_1']);
  });

  it('shares equal constants, and only equal ones', () => {
    const b = new Builder();
    expect(b.scalar(1, 'float32')).toBe(b.scalar(1, 'float32'));
    expect(b.ints([2, 3])).toBe(b.ints([2, 3]));
    expect(b.scalar(0, 'float32')).not.toBe(b.scalar(-0, 'float32'));
    expect(b.scalar(1, 'float32')).not.toBe(b.scalar(1, 'float64'));
    expect(b.ints([1])).not.toBe(b.scalar(1, 'int64'));
    const big = (value: bigint) =>
      b.constant({ dtype: 'int64', shape: [], data: BigInt64Array.of(2n ** 62n + value) }, 'big');
    expect(big(0n)).not.toBe(big(1n));
    expect(b.constant(tensor('float32', [65], new Array(65).fill(0)))).not.toBe(
      b.constant(tensor('float32', [65], new Array(65).fill(0))),
    );
  });

  it('returns a new size, which no input has, when two named sizes are broadcast', () => {
    const b = new Builder();
    const sum = b.add('Add', [b.input('x', 'float32', ['n']), b.input('y', 'float32', ['m'])]);
    expect(sum.shape).toEqual(['d0']);
    b.input('z', 'float32', ['d7']);
    expect(b.add('Add', [sum, b.get('x')]).shape).toEqual(['d8']);
  });

  it('refuses a name that is taken, an empty one, one that is unknown, and a value of another graph', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', [2]);
    const other = new Builder().input('x', 'float32', [2]);
    expect(() => b.initializer('x', tensor('float32', [], [1]))).toThrow('two values are called "x"');
    expect(() => b.input('', 'float32', [])).toThrow('a value has an empty name');
    expect(() => b.get('nobody')).toThrow('no value is called "nobody"');
    expect(() => b.add('Relu', [other])).toThrow('Relu node "Relu" uses "x", which does not belong to this graph');
    expect(() => b.add('Relu', [x], {}, { outputs: ['x'] })).toThrow('two values are called "x"');
  });

  it('continues from a graph', () => {
    const graph = layer();
    const b = Builder.from(graph);
    expect(b.build(graph.name, [b.get('y')])).toEqual(graph);
    expect(b.add('MatMul', [b.get('x'), b.get('w')]).name).toBe('MatMul_1');
  });
});

describe('inline', () => {
  it('maps inputs and parameters to the given values, copies the others, and prefixes the names of nodes', () => {
    const graph = layer();
    const b = new Builder();
    const rows = b.input('rows', 'float32', [3, 2]);
    const first = b.inline(graph, new Map([['x', rows]]), 'first/');
    const w2 = b.add('Neg', [b.get('w')]);
    const second = b.inline(
      graph,
      new Map([
        ['x', rows],
        ['w', w2],
      ]),
      'second/',
    );
    expect(printGraph(b.build('two', [first.get('y')!, second.get('y')!]))).toMatchInlineSnapshot(`
      "graph two
      inputs
        rows: float32[3, 2]
      parameters
        w: float32[2, 1]
      nodes
        first/MatMul: float32[3, 1] = MatMul(rows, w)
        first/Relu: float32[3, 1] = Relu(first/MatMul)
        Neg: float32[2, 1] = Neg(w)
        second/MatMul: float32[3, 1] = MatMul(rows, Neg)
        second/Relu: float32[3, 1] = Relu(second/MatMul)
      outputs
        first/Relu: float32[3, 1]
        second/Relu: float32[3, 1]"
    `);
  });

  it('refuses an input without a value', () => {
    expect(() => new Builder().inline(layer(), new Map(), '')).toThrow('inline: input "x" has no value');
  });

  it('does not copy nodes whose result is given', () => {
    const b = new Builder();
    const given = b.input('product', 'float32', ['batch', 1]);
    const x = b.input('x', 'float32', ['batch', 2]);
    b.inline(
      layer(),
      new Map<string, Value>([
        ['x', x],
        ['MatMul', given],
      ]),
      '',
    );
    expect(b.build('g', []).nodes.map((node) => node.op)).toEqual(['Relu']);
  });

  it('keeps hand-written gradients, except those of replaced values', async () => {
    const inner = new Builder();
    const x = inner.input('x', 'float32', []);
    const loss = inner.add('Mul', [x, x], {}, { outputs: ['loss'] });
    inner.override(loss, [{ input: x, gradient: inner.add('Add', [x, inner.scalar(40, x)]) }]);
    const graph = inner.build('inner', [loss]);

    const b = new Builder();
    const t = b.input('t', 'float32', []);
    const copy = b.inline(graph, new Map([['x', b.add('Neg', [t])]]), 'copy/').get('loss')!;
    const gradient = addGradients(b, b.build('g', [copy]), copy, [t]).get('t')!;
    const results = await runModel(writeModel(b.build('g', [gradient])), { t: tensor('float32', [], [2]) });
    expect(numbersOf(results[gradient.name]!)).toEqual([-38]);

    const before = b.build('g', []).overrides.size;
    b.inline(
      graph,
      new Map([
        ['x', t],
        ['loss', gradient],
      ]),
      'given/',
    );
    expect(b.build('g', []).overrides.size).toBe(before);
  });

  it('returns twice the gradient of a parameter that two copies share', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', [1, 2]);
    const copies = ['a/', 'b/'].map((prefix) => b.inline(layer(), new Map([['x', x]]), prefix).get('y')!);
    const loss = b.add('ReduceSum', [b.add('Add', [copies[0]!, copies[1]!])], { keepdims: 0 });
    const graph = differentiate(b.build('g', [loss]), loss.name, ['w']);
    const results = await runModel(writeModel(graph), { x: tensor('float32', [1, 2], [1, 2]) });
    expect(numbersOf(results['grad/w']!)).toEqual([2, 4]);
  });
});
