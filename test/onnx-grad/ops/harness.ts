/**
 * Runs one case of an op in ONNX Runtime: types, forward pass, and gradients of order 1 and 2 against central
 * differences.
 */
import { expect } from 'vitest';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { dependentValues } from '../../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../../packages/onnx-grad/src/graph/ir.ts';
import {
  type DataType,
  type Dim,
  elementCount,
  isFloat,
  numbersOf,
  type Shape,
  type Tensor,
  tensor,
} from '../../../packages/onnx-grad/src/graph/tensor.ts';
import type { OpAttributes, OpType } from '../../../packages/onnx-grad/src/ops/attributes.ts';
import { OPS } from '../../../packages/onnx-grad/src/ops/table.ts';
import { openSession } from '../../../packages/onnx-grad/src/session/session.ts';
import { createRng, type Rng } from '../../../src/lib/rng.ts';
import type { Nd } from './arrays.ts';
import { addOrders, checkOrders, drawFloats, expectClose, feedsOf, type Orders } from './orders.ts';

/** Sizes of the named dimensions. */
export type Sizes = Readonly<Record<string, number>>;

export interface CaseInput {
  readonly dtype: DataType;
  readonly shape: Shape;
  /** Whether it is a constant of the graph; otherwise it is fed. */
  readonly constant: boolean;
  draw(rng: Rng, count: number): ArrayLike<number>;
}

export type Case<K extends OpType> = {
  /** null for an omitted optional input. */
  readonly inputs: readonly (CaseInput | null)[];
  /** One run for each entry; default: one run without names. */
  readonly sizes?: readonly Sizes[];
  /** False: the case is not run again with a name of its own for every dimension of every fed input. */
  readonly named?: false;
  /** The outputs that the loss uses; default: all floats. */
  readonly seen?: readonly number[];
} & (Record<never, never> extends OpAttributes[K]
  ? { readonly attributes?: OpAttributes[K] }
  : { readonly attributes: OpAttributes[K] });

export interface OpCases<K extends OpType> {
  /** The result computed in plain TypeScript, or the results of an op with several outputs. */
  reference(inputs: readonly Nd[], attributes: OpAttributes[K]): Nd | readonly Nd[];
  readonly cases: readonly Case<K>[];
}

export type Cases = { readonly [K in OpType]: OpCases<K> };

const fed = (dtype: DataType, shape: Shape, draw: CaseInput['draw']): CaseInput => ({
  dtype,
  shape,
  constant: false,
  draw,
});

export const float = (...shape: Dim[]): CaseInput =>
  fed('float64', shape, (rng, count) => drawFloats('float64', count, rng));
export const float32 = (...shape: Dim[]): CaseInput =>
  fed('float32', shape, (rng, count) => drawFloats('float32', count, rng));
export const positive = (...shape: Dim[]): CaseInput =>
  fed('float64', shape, (rng, count) => Array.from({ length: count }, () => 0.25 + 1.75 * rng.uniform()));
export const bools = (...shape: Dim[]): CaseInput =>
  fed('bool', shape, (rng, count) => Array.from({ length: count }, () => rng.integer(2)));
/** Integers of [low, high). */
export const integers = (dtype: DataType, [low, high]: readonly [number, number], ...shape: Dim[]): CaseInput =>
  fed(dtype, shape, (rng, count) => Array.from({ length: count }, () => low + rng.integer(high - low)));
/** Fed at run time, so the graph does not know the elements. */
export const given = (dtype: DataType, shape: Shape, values: readonly number[]): CaseInput =>
  fed(dtype, shape, () => values);
export const constant = (dtype: DataType, shape: Shape, values: readonly number[]): CaseInput => ({
  ...given(dtype, shape, values),
  constant: true,
});
/** A constant int64 vector. */
export const ints = (...values: number[]): CaseInput => constant('int64', [values.length], values);

/** What is run of a case: `named` gives every dimension of every fed input a name of its own. */
export interface Trial<K extends OpType = OpType> {
  readonly op: K;
  readonly title: string;
  readonly case: Case<K>;
  readonly sizes: Sizes;
  readonly named: boolean;
}

export function trialsOf<K extends OpType>(op: K, { cases }: OpCases<K>): Trial<K>[] {
  return cases.flatMap((item): Trial<K>[] =>
    (item.sizes ?? [{}]).flatMap((sizes) => {
      const shapes = item.inputs.map((input) => (input === null ? '-' : `[${input.shape.join(',')}]`)).join(' ');
      const title = [shapes, ...[item.attributes, sizes].map((x) => textOf(x))].filter((x) => x !== '').join(' ');
      const trial = { op, title, case: item, sizes, named: false };
      const canBeNamed = item.named !== false && item.inputs.some((x) => x && !x.constant && x.shape.length > 0);
      return canBeNamed ? [trial, { ...trial, title: `${title}, all sizes named`, named: true }] : [trial];
    }),
  );
}

const textOf = (facts: object | undefined): string =>
  Object.entries(facts ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

interface Built {
  readonly graph: Graph;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  /** Absent if the op has no gradient rule, or the case no fed float. */
  readonly orders?: Orders;
}

function build<K extends OpType>({ op, case: item, named }: Trial<K>): Built {
  const b = new Builder();
  const inputs = item.inputs.map((input, i) => {
    if (input === null) return null;
    if (input.constant) return b.constant(drawn(input, {}, createRng('')), `c${i}`);
    return b.input(`x${i}`, input.dtype, named ? input.shape.map((_, axis) => `x${i}.${axis}`) : input.shape);
  });
  const outputs = b.addAll(op, inputs, item.attributes ?? ({} as OpAttributes[K]));
  const everything = () => b.build(op, outputs).nodes.flatMap((node) => node.outputs.map((name) => b.get(name)));
  const floats = inputs.filter((x) => x !== null && isFloat(x.dtype) && x.name.startsWith('x')) as Value[];
  const seen = outputs.filter((output, i) => isFloat(output.dtype) && (item.seen?.includes(i) ?? true));
  if (typeof OPS[op].gradient !== 'function' || floats.length === 0 || seen.length === 0)
    return { graph: b.build(op, everything()), inputs, outputs };

  const orders = addOrders(b, floats, seen);
  return { graph: b.build(op, everything()), inputs, outputs, orders };
}

const sizeOf = (dim: Dim, sizes: Sizes): number => (typeof dim === 'number' ? dim : sizes[dim]!);

function drawn(input: CaseInput, sizes: Sizes, rng: Rng): Tensor {
  const shape = input.shape.map((dim) => sizeOf(dim, sizes));
  return tensor(input.dtype, shape, input.draw(rng, elementCount(shape)));
}

/** Builds and runs `trial`, and checks everything. */
export async function check<K extends OpType>(trial: Trial<K>, cases: OpCases<K>): Promise<void> {
  const built = build(trial);
  const rng = createRng(`${trial.op} ${trial.title}`);
  const data = trial.case.inputs.map((input) => (input === null ? null : drawn(input, trial.sizes, rng)));
  const reference = cases.reference(
    data.map((x) => (x === null ? null : { shape: x.shape, data: numbersOf(x) })) as Nd[],
    trial.case.attributes ?? ({} as OpAttributes[K]),
  );
  const wanted: readonly Nd[] = 'shape' in reference ? [reference] : reference;
  const feeds: Record<string, Tensor> = {};
  built.inputs.forEach((input, i) => {
    if (input?.name.startsWith('x')) feeds[input.name] = data[i]!;
  });
  const seen = built.orders?.weights.map(({ output }) => wanted[built.outputs.indexOf(output)]!.shape) ?? [];
  if (built.orders) Object.assign(feeds, feedsOf(built.orders, feeds, seen, rng));
  const session = await openSession(built.graph);
  try {
    const results = await session.run(feeds);
    checkTypes(built.graph, feeds, results);
    expect(built.outputs.length, 'number of results').toBe(wanted.length);
    built.outputs.forEach(({ name }, i) => {
      const got = results[name]!;
      expect(got.shape, `shape of result ${i}`).toEqual(wanted[i]!.shape);
      expectClose(numbersOf(got), wanted[i]!.data, got.dtype === 'float32' ? 1e-6 : 1e-12, `result ${i}`);
    });
    if (built.orders) await checkOrders(session, built.orders, feeds, results);
    else checkNoGradient(trial.op, built);
  } finally {
    await session.close();
  }
}

/** Every value has the inferred type and known elements; one name means one size in the whole graph. */
function checkTypes(graph: Graph, feeds: Readonly<Record<string, Tensor>>, results: Readonly<Record<string, Tensor>>) {
  const sizes = new Map<string, number>();
  const resolve = (dim: Dim, size: number): number => {
    if (typeof dim === 'number') return dim;
    if (!sizes.has(dim)) sizes.set(dim, size);
    return sizes.get(dim)!;
  };
  for (const name of [...graph.inputs, ...graph.outputs]) {
    const value = graph.values.get(name)!;
    const { dtype, shape, data } = (feeds[name] ?? results[name])!;
    const inferred = { dtype: value.dtype, shape: value.shape.map((dim, i) => resolve(dim, shape[i]!)) };
    expect(inferred, `inferred type of "${name}"`).toEqual({ dtype, shape: [...shape] });
    if (!value.known) continue;
    const elements = Array.from(data as ArrayLike<number | bigint>, Number);
    expect(
      value.known.map((dim, i) => resolve(dim, elements[i]!)),
      `known elements of "${name}"`,
    ).toEqual(elements);
  }
}

/** The sweep stops before the node, except for a refused op, which it reaches in order to report it. */
function checkNoGradient(op: OpType, { graph, inputs, outputs }: Built): void {
  const sources = new Set(inputs.flatMap((input) => (input === null ? [] : [input.name])));
  const reached = dependentValues(graph, sources);
  const { gradient } = OPS[op];
  // rules are also called for constants that are floats
  const asked = typeof gradient === 'function' && inputs.some((input) => input !== null && isFloat(input.dtype));
  for (const { name, dtype } of outputs) {
    const wanted = isFloat(dtype) && (asked || typeof gradient === 'object');
    expect(reached.has(name), `the sweep reaches "${name}"`).toBe(wanted);
  }
}
