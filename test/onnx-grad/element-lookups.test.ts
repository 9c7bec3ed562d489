/** Look-ups of single numbers: a session's results equal those of the unchanged graph, bit for bit. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import { type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { spellElementLookups } from '../../packages/onnx-grad/src/rewrite/element-lookups.ts';
import { openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { runModel } from './onnx-file.ts';

/** The masked sum of looked-up numbers, its gradient, and the gradient of that, which looks numbers up again. */
function lookups() {
  const b = new Builder();
  const table = b.input('table', 'float32', [5]);
  const at = b.input('at', 'int32', ['rows', 3]);
  const mask = b.add('Cast', [b.add('Less', [at, b.scalar(3, 'int32')])], { to: 'float32' });
  const numbers = b.add('Mul', [b.add('Gather', [table, at], { axis: 0 }), mask]);
  const sum = b.add('ReduceSum', [b.add('Mul', [numbers, numbers])], { keepdims: 0 });
  const first = addGradients(b, b.build('sum', [sum]), sum, [table]).get('table')!;
  const length = b.add('ReduceSum', [b.add('Mul', [first, first])], { keepdims: 0 });
  const second = addGradients(b, b.build('length', [length]), length, [table]).get('table')!;
  return b.build('lookups', [numbers, first, second]);
}

describe('spellElementLookups', () => {
  it.each([[[0, 2, 4, 2, -1, 2, 1, 3, 0]], [[]]])('looks up rows %j and adds to them', async (rows) => {
    const feeds: Record<string, Tensor> = {
      table: tensor('float32', [5], [0.1, -2, 1 / 3, 4, 5]),
      at: tensor('int32', [rows.length / 3, 3], rows),
    };
    const graph = lookups();
    const ops = spellElementLookups(graph).nodes.map(({ op }) => op);
    expect(ops.filter((op) => ['Gather', 'GatherND', 'ScatterND'].includes(op))).toEqual([]);
    const session = await openSession(graph);
    const got = await session.run(feeds).finally(() => session.close());
    expect(got).toEqual(await runModel(writeModel(graph), feeds, { asItIs: true }));
  });

  it('does not change a graph that looks up rows', () => {
    const b = new Builder();
    const graph = b.build('rows', [b.add('Gather', [b.input('x', 'float32', [3, 2]), b.input('i', 'int32', [4])])]);
    expect(spellElementLookups(graph)).toBe(graph);
  });
});
