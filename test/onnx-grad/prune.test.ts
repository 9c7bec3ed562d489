import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { prune } from '../../packages/onnx-grad/src/graph/prune.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { randomGraph } from './random-graph.ts';

/** y = x w, with an input, a parameter, a constant and a node that nothing needs. */
function withDeadParts(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', [2]);
  b.input('unused', 'float32', [2]);
  b.initializer('idle', tensor('float32', [2], [1, 2]));
  const w = b.initializer('w', tensor('float32', [2], [3, 4]));
  b.add('Mul', [x, b.scalar(5, x)], {}, { name: 'dead' });
  return b.build('parts', [b.add('Mul', [x, w], {}, { outputs: ['y'] })]);
}

const namesOf = (graph: Graph) => ({
  inputs: graph.inputs,
  initializers: [...graph.initializers.keys()],
  constants: [...graph.constants.keys()],
  nodes: graph.nodes.map(({ outputs }) => outputs[0]),
  values: [...graph.values.keys()],
});

/** log x, whose gradient is given by a node that comes after it. */
function withOverride(): { graph: Graph; other: Graph } {
  const b = new Builder();
  const x = b.input('x', 'float32', []);
  const y = b.add('Log', [x], {}, { outputs: ['y'] });
  const gradient = b.add('Div', [b.scalar(1, x), x], {}, { outputs: ['by hand'] });
  b.override(y, [{ input: x, gradient }]);
  return { graph: b.build('log', [y]), other: b.build('other', [x]) };
}

describe('prune', () => {
  it('removes nodes and constants that no output needs, keeps inputs and parameters', () => {
    expect(namesOf(prune(withDeadParts()))).toEqual({
      inputs: ['x', 'unused'],
      initializers: ['idle', 'w'],
      constants: [],
      nodes: ['y'],
      values: ['x', 'unused', 'idle', 'w', 'y'],
    });
  });

  it('removes parameters if requested', () => {
    const pruned = prune(withDeadParts(), { initializers: true });
    expect([...pruned.initializers.keys()]).toEqual(['w']);
    expect(pruned.values.has('idle')).toBe(false);
  });

  it('keeps a hand-written gradient as long as its value stays', () => {
    const { graph, other } = withOverride();
    expect(prune(graph)).toStrictEqual(graph);
    expect(namesOf(prune(other))).toEqual({ inputs: ['x'], initializers: [], constants: [], nodes: [], values: ['x'] });
    expect(prune(other).overrides.size).toBe(0);
  });

  it('removes hand-written gradients if requested', () => {
    const pruned = prune(withOverride().graph, { overrides: false });
    expect(namesOf(pruned).nodes).toEqual(['y']);
    expect(pruned.overrides.size).toBe(0);
  });

  it('returns a graph that reads back equal and cannot be pruned further', () => {
    let smaller = 0;
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const pruned = prune(graph, { initializers: true });
        if (pruned.nodes.length < graph.nodes.length) smaller++;
        expect(prune(pruned, { initializers: true })).toStrictEqual(pruned);
        expect(readModel(writeModel(pruned))).toStrictEqual(pruned);
        const used = new Set([...pruned.outputs, ...pruned.nodes.flatMap(({ inputs }) => inputs)]);
        // a node of several outputs keeps all of them
        for (const { outputs } of pruned.nodes)
          if (outputs.some((name) => used.has(name))) for (const name of outputs) used.add(name);
        for (const name of pruned.values.keys()) expect(used.has(name) || pruned.inputs.includes(name)).toBe(true);
      }),
    );
    expect(smaller).toBeGreaterThan(0);
  });
});
