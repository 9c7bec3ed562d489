import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { randomGraph } from './random-graph.ts';

describe('printGraph', () => {
  it('prints inputs, parameters, large constants, nodes and outputs, one per line', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 2]);
    const w = b.initializer('w', tensor('float32', [2, 16], new Array(32).fill(1)));
    const shift = b.constant(tensor('float32', [16], new Array(16).fill(1)), 'shift');
    const h = b.add('Gemm', [x, w, shift], { alpha: Math.fround(0.1) }, { outputs: ['h'] });
    const low = b.add('Clip', [b.add('Mul', [h, b.scalar(0.1, h)]), null, b.scalar(1, h)], {}, { outputs: ['low'] });
    const kept = b.add(
      'Squeeze',
      [b.add('ReduceSum', [low, b.ints([1])], { keepdims: 1 }), b.ints([1])],
      {},
      { outputs: ['score'] },
    );
    const turned = b.add('Transpose', [low], { perm: [1, 0] });
    const whole = b.add('Cast', [turned], { to: 'int64' });
    expect(printGraph(b.build('example', [kept, whole]))).toMatchInlineSnapshot(`
      "graph example
      inputs
        x: float32[batch, 2]
      parameters
        w: float32[2, 16]
      constants
        shift: float32[16]
      nodes
        h: float32[batch, 16] = Gemm(x, w, shift, alpha=0.1)
        Mul: float32[batch, 16] = Mul(h, 0.1)
        low: float32[batch, 16] = Clip(Mul, max=1.0)
        ReduceSum: float32[batch, 1] = ReduceSum(low, axes=[1], keepdims=1)
        score: float32[batch] = Squeeze(ReduceSum, axes=[1])
        Transpose: float32[16, batch] = Transpose(low, perm=[1, 0])
        Cast: int64[16, batch] = Cast(Transpose, to=int64)
      outputs
        score: float32[batch]
        Cast: int64[16, batch]"
    `);
  });

  it('prints the numbers of constants so that they read back', () => {
    const b = new Builder();
    const floats = [0.1, 1, -0, 1e30, 3.4028234663852886e38, Number.NEGATIVE_INFINITY, Number.NaN, 1 / 3];
    const texts = [
      b.constant(tensor('float32', [8], floats)),
      b.constant(tensor('float64', [3], [0.1, 2, 1 / 3])),
      b.constant({ dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 63n - 1n, -1n) }),
      b.constant(tensor('bool', [2], [1, 0])),
      b.constant(tensor('int32', [], [-7])),
      b.constant(tensor('float32', [0], [])),
    ].map((value) => printGraph(b.build('numbers', [value])).split(' = ')[1]);
    expect(texts).toEqual([
      '[0.1, 1.0, -0.0, 1e+30, 3.4028235e+38, -Infinity, NaN, 0.33333334]',
      '[0.1, 2.0, 0.3333333333333333]',
      '[9223372036854775807, -1]',
      '[true, false]',
      '-7',
      '[]',
    ]);
  });

  it('quotes names that are not a single word', () => {
    const b = new Builder();
    const x = b.input('a b', 'float32', []);
    const y = b.add('Neg', [x], {}, { outputs: ['y, "z"'] });
    expect(printGraph(b.build('', [y]))).toMatchInlineSnapshot(`
      "graph ""
      inputs
        "a b": float32[]
      nodes
        "y, \\"z\\"": float32[] = Neg("a b")
      outputs
        "y, \\"z\\"": float32[]"
    `);
  });

  it('prints equal graphs equally, with a line for each node', () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const text = printGraph(graph);
        expect(printGraph(readModel(writeModel(graph)))).toBe(text);
        expect(text.split('\n').filter((line) => / = [A-Z]\w+\(/.test(line))).toHaveLength(graph.nodes.length);
      }),
    );
  });
});
