/** The linear term of a head: found if parameters act on one number per row through linear ops, and only then. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { findLinearTerm } from '../../packages/onnx-grad/src/rewrite/find-linear-term.ts';
import { type Feeds, openSession } from '../../packages/onnx-grad/src/session/session.ts';

/**
 * A head: inputs `z` and `x` of the users, a table `s` that `ids` look up, a query `q` and a bias; `end` computes the
 * score from z and the term.
 */
function headOf(end: (b: Builder, z: Value, term: Value, parameters: Record<string, Value>) => Value): Graph {
  const b = new Builder();
  const s = b.input('s', 'float32', [5]);
  const q = b.input('q', 'float32', [2]);
  const bias = b.input('bias', 'float32', [1]);
  const z = b.input('z', 'float32', ['batch', 3]);
  const x = b.input('x', 'float32', ['batch', 2]);
  const ids = b.input('ids', 'int32', ['batch', 2]);
  const weights = b.input('weights', 'float32', ['batch', 2]);
  const looked = b.add('Mul', [b.add('Gather', [s, ids], { axis: 0 }), weights]);
  const wide = b.add('ReduceSum', [looked, b.ints([1])], { keepdims: 1 });
  const product = b.add('ReduceSum', [b.add('Mul', [x, q]), b.ints([1])], { keepdims: 1 });
  const term = b.add('Sub', [b.add('Add', [wide, product]), b.add('Neg', [bias])], {}, { name: 'shift' });
  const score = end(b, z, term, { s, q, bias });
  return b.build('head', [score]);
}

const PARAMETERS = ['s', 'q', 'bias'];
const logits = (b: Builder, z: Value, term: Value): Value => {
  const each = b.add('Sigmoid', [b.add('Add', [z, term])]);
  return b.add('ReduceMean', [each, b.ints([1])], { keepdims: 0 });
};

const FEEDS: Feeds = {
  z: tensor('float32', [2, 3], [0.1, -1, 2, 0.5, 0, -0.3]),
  x: tensor('float32', [2, 2], [1, -2, 0.5, 3]),
  ids: tensor('int32', [2, 2], [4, 1, 1, 1]),
  weights: tensor('float32', [2, 2], [1, 0.5, 2, 0]),
  s: tensor('float32', [5], [9, 1, 9, 9, -2]),
  q: tensor('float32', [2], [0.25, -1]),
  bias: tensor('float32', [1], [3]),
};
// -2 + .5 + .25 + 2 + 3;  2 + .125 - 3 + 3
const SHIFTS = [3.75, 2.125];

async function run(graph: Graph, feeds: Feeds): Promise<Feeds> {
  const session = await openSession(graph);
  const out = await session.run(feeds);
  await session.close();
  return out;
}

describe('findLinearTerm', () => {
  const term = findLinearTerm(headOf(logits), PARAMETERS)!;

  it('is the last value with one number per row that all parameters go through', async () => {
    const out = await run(term.termGraph, FEEDS);
    expect(numbersOf(out[term.value]!)).toEqual(SHIFTS);
    expect(out[term.value]!.shape).toEqual([2, 1]);
  });

  it('has a link graph that computes the score from the term and from nothing that depends on the parameters', async () => {
    expect([...term.linkGraph.inputs].sort()).toEqual([term.value, 'z'].sort());
    const whole = headOf(logits);
    const expected = (await run(whole, FEEDS))[whole.outputs[0]!]!;
    const given: Tensor = tensor('float32', [2, 1], SHIFTS);
    const out = await run(term.linkGraph, { z: FEEDS['z']!, [term.value]: given });
    expect(out[term.linkGraph.outputs[0]!]!.data).toEqual(expected.data);
  });

  it('separates tables from other parameters, and finds the contribution of each looked-up element', async () => {
    expect(term.dense).toEqual(['q', 'bias']);
    const [lookup] = term.lookups;
    expect(lookup).toMatchObject({ parameter: 's', index: 'ids' });
    const out = await run(term.weightGraph!, FEEDS);
    expect(numbersOf(out[lookup!.weight]!)).toEqual([1, 0.5, 2, 0]);
  });

  it('computes no other addend of the term for the weights', async () => {
    const b = new Builder();
    const s = b.input('s', 'float32', [5]);
    const q = b.input('q', 'float32', [2]);
    const x = b.input('x', 'float32', ['batch', 2]);
    const ids = b.input('ids', 'int32', ['batch', 2]);
    const weights = b.input('weights', 'float32', ['batch', 2]);
    const looked = b.add('Mul', [b.add('Gather', [s, ids], { axis: 0 }), weights]);
    const wide = b.add('ReduceSum', [looked, b.ints([1])], { keepdims: 1 });
    const product = b.add('ReduceSum', [b.add('Mul', [x, q]), b.ints([1])], { keepdims: 1 });
    // on either side of two sums
    const sum = b.add('Add', [b.add('Add', [product, wide]), b.input('z', 'float32', ['batch', 1])]);
    const head = b.build('head', [b.add('Sigmoid', [sum])]);
    const { weightGraph, lookups, value } = findLinearTerm(head, ['s', 'q'])!;
    expect(value).toBe(sum.name);
    expect(weightGraph!.inputs.filter((name) => ['x', 'q', 'z'].includes(name))).toEqual([]);
    const given = Object.fromEntries(weightGraph!.inputs.map((name) => [name, FEEDS[name]!]));
    expect(numbersOf((await run(weightGraph!, given))[lookups[0]!.weight]!)).toEqual([1, 0.5, 2, 0]);
  });

  it('weighs two tables that are added, and one on both sides of the sum', async () => {
    for (const second of ['s', 't']) {
      const b = new Builder();
      const tables = { s: b.input('s', 'float32', [5]), t: b.input('t', 'float32', [5]) };
      const ids = b.input('ids', 'int32', ['batch', 2]);
      const weights = b.input('weights', 'float32', ['batch', 2]);
      const part = (name: string, factor: number) => {
        const looked = b.add('Mul', [b.add('Gather', [tables[name as 's' | 't'], ids], { axis: 0 }), weights]);
        const own = b.add('ReduceSum', [looked, b.ints([1])], { keepdims: 1 });
        return b.add('Mul', [own, b.scalar(factor, 'float32')]);
      };
      const sum = b.add('Add', [part('s', 2), part(second, 10)]);
      const used = [...new Set(['s', second])];
      const { weightGraph, lookups } = findLinearTerm(b.build('head', [b.add('Sigmoid', [sum])]), used)!;
      expect(lookups.map(({ parameter }) => parameter)).toEqual(['s', second]);
      const feeds: Feeds = { ...FEEDS, t: FEEDS['s']! };
      const out = await run(weightGraph!, Object.fromEntries(weightGraph!.inputs.map((name) => [name, feeds[name]!])));
      expect(numbersOf(out[lookups[0]!.weight]!)).toEqual([2, 1, 4, 0]);
      expect(numbersOf(out[lookups[1]!.weight]!)).toEqual([10, 5, 20, 0]);
    }
  });

  it('has no weights if no parameter is a table', () => {
    const { weightGraph, lookups, dense } = findLinearTerm(headOf(logits), ['q'])!;
    expect([weightGraph, lookups, dense]).toEqual([null, [], ['q']]);
  });

  it.each<[string, Parameters<typeof headOf>[0]]>([
    ['a parameter reaches the score around it', (b, z, term, { bias }) => b.add('Mul', [logits(b, z, term), bias!])],
    [
      'a parameter is multiplied with another',
      (b, z, term, { q }) => logits(b, z, b.add('Mul', [term, b.add('ReduceSum', [q!, b.ints([0])], { keepdims: 1 })])),
    ],
  ])('is none where %s', (_, end) => {
    expect(findLinearTerm(headOf(end), PARAMETERS)).toBeNull();
  });

  it('is before anything that is not a linear op, or mixes rows', () => {
    const ends: Parameters<typeof headOf>[0][] = [
      (b, z, term) => logits(b, z, b.add('Tanh', [term])),
      (b, z, term) => logits(b, z, b.add('Sub', [term, b.add('ReduceMean', [term, b.ints([0])], { keepdims: 1 })])),
    ];
    for (const end of ends) expect(findLinearTerm(headOf(end), PARAMETERS)!.value).toBe(term.value);
  });

  it('is before a factor that all rows share, which may be adapted as well', async () => {
    const graph = headOf((b, _, shift) => {
      const scale = b.input('scale', 'float32', [1]);
      const score = b.add('Sigmoid', [b.add('Mul', [shift, scale])]);
      return b.add('ReduceSum', [score, b.ints([1])], { keepdims: 0 });
    });
    const { value, linkGraph, weightGraph } = findLinearTerm(graph, PARAMETERS)!;
    expect(value).toBe('shift');
    expect(linkGraph.inputs).toContain('scale');
    expect(weightGraph!.inputs).not.toContain('scale');
  });

  it('is null if each row has several numbers', () => {
    const b = new Builder();
    const bias = b.input('bias', 'float32', [3]);
    const z = b.input('z', 'float32', ['batch', 3]);
    const each = b.add('Sigmoid', [b.add('Add', [z, bias])]);
    expect(
      findLinearTerm(b.build('head', [b.add('ReduceMean', [each, b.ints([1])], { keepdims: 0 })]), ['bias']),
    ).toBeNull();
  });
});
