/** Runs one case of an op in ONNX Runtime: types, forward, and gradients of order 1 and 2 against central differences. */
import { expect } from 'vitest';
import { Builder } from '../../../src/graph/builder.ts';
import { addGradients, dependentValues } from '../../../src/graph/differentiate.ts';
import {
  type DataType,
  type Dim,
  elementCount,
  type Graph,
  isFloat,
  numbersOf,
  type Shape,
  type Tensor,
  tensor,
  type Value,
} from '../../../src/graph/ir.ts';
import type { OpAttributes, OpType } from '../../../src/graph/ops/attributes.ts';
import { OPS } from '../../../src/graph/ops/table.ts';
import { createRng, type Rng } from '../../../src/lib/rng.ts';
import { openSession, type Session } from '../../../src/model/session.ts';
import type { Nd } from './arrays.ts';

/** Sizes of the named dimensions. */
export type Sizes = Readonly<Record<string, number>>;

export interface CaseInput {
  readonly dtype: DataType;
  readonly shape: Shape;
  /** A constant of the graph; otherwise it is fed. */
  readonly constant: boolean;
  draw(rng: Rng, count: number): ArrayLike<number>;
}

export type Case<K extends OpType> = {
  /** null where an optional input is left out. */
  readonly inputs: readonly (CaseInput | null)[];
  /** One run for each; default one run with no names. */
  readonly sizes?: readonly Sizes[];
  /** False: the case is not run again with a name of its own for every dimension of every fed input. */
  readonly named?: false;
  /** The outputs that the loss sees; default all floats. */
  readonly seen?: readonly number[];
} & (Record<never, never> extends OpAttributes[K]
  ? { readonly attributes?: OpAttributes[K] }
  : { readonly attributes: OpAttributes[K] });

export interface OpCases<K extends OpType> {
  /** The result in plain TypeScript, or the results where the op has several outputs. */
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

/** Floats of +-[0.25, 2): away from kinks and poles at 0. */
export const float = (...shape: Dim[]): CaseInput =>
  fed('float64', shape, (rng, count) =>
    Array.from({ length: count }, () => (rng.uniform() < 0.5 ? -1 : 1) * (0.25 + 1.75 * rng.uniform())),
  );
export const positive = (...shape: Dim[]): CaseInput =>
  fed('float64', shape, (rng, count) => Array.from({ length: count }, () => 0.25 + 1.75 * rng.uniform()));
/** Multiples of 1/8: exact in float32. */
export const float32 = (...shape: Dim[]): CaseInput =>
  fed('float32', shape, (rng, count) => Array.from({ length: count }, () => (rng.integer(31) - 15) / 8));
export const bools = (...shape: Dim[]): CaseInput =>
  fed('bool', shape, (rng, count) => Array.from({ length: count }, () => rng.integer(2)));
/** Integers of [low, high). */
export const integers = (dtype: DataType, [low, high]: readonly [number, number], ...shape: Dim[]): CaseInput =>
  fed(dtype, shape, (rng, count) => Array.from({ length: count }, () => low + rng.integer(high - low)));
/** Fed at run time: the graph does not know the elements. */
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
  /** Absent where the op has no gradient rule or the case no fed float. */
  readonly orders?: {
    readonly parameters: readonly Value[];
    readonly loss: Value;
    readonly first: ReadonlyMap<string, Value>;
    /** <v, first>. */
    readonly product: Value;
    readonly second: ReadonlyMap<string, Value>;
  };
}

/** The loss is the sum of u y^2 over the outputs, with u a parameter too: both orders go through y and through what reaches the rule. */
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

  const weights = seen.map((output) => b.input(`u${outputs.indexOf(output)}`, output.dtype, output.shape));
  const parameters = [...floats, ...weights];
  const loss = seen
    .map((output, i) => sumOf(b, b.add('Mul', [weights[i]!, b.add('Mul', [output, output])]), 'float64'))
    .reduce((sum, term) => b.add('Add', [sum, term]));
  const first = addGradients(b, b.build(op, [loss]), loss, parameters);
  const product = parameters
    .map((x) => sumOf(b, b.add('Mul', [b.input(`v.${x.name}`, x.dtype, x.shape), first.get(x.name)!]), 'float64'))
    .reduce((sum, term) => b.add('Add', [sum, term]));
  const second = addGradients(b, b.build(op, [product]), product, parameters);
  return { graph: b.build(op, everything()), inputs, outputs, orders: { parameters, loss, first, product, second } };
}

function sumOf(b: Builder, x: Value, dtype: DataType): Value {
  const sum = b.add('ReduceSum', [x], { keepdims: 0 });
  return x.dtype === dtype ? sum : b.add('Cast', [sum], { to: dtype });
}

const sizeOf = (dim: Dim, sizes: Sizes): number => (typeof dim === 'number' ? dim : sizes[dim]!);

function drawn(input: CaseInput, sizes: Sizes, rng: Rng): Tensor {
  const shape = input.shape.map((dim) => sizeOf(dim, sizes));
  return tensor(input.dtype, shape, input.draw(rng, elementCount(shape)));
}

/** Builds and runs `trial`, and checks all of it. */
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
  for (const parameter of built.orders?.parameters ?? []) {
    const shape = feeds[parameter.name]?.shape ?? wanted[Number(parameter.name.slice(1))]!.shape;
    const draw = () => drawn({ ...(parameter.dtype === 'float32' ? float32() : float()), shape }, {}, rng);
    feeds[parameter.name] ??= draw();
    feeds[`v.${parameter.name}`] = draw();
  }
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
    if (built.orders) await checkGradients(session, built.orders, feeds, results);
    else checkNoGradient(trial.op, built);
  } finally {
    await session.close();
  }
}

/** Every value has the inferred type and known elements; one name is one size in the whole graph. */
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

/** Central differences: the derivative is the sum of `weights` times the values at `steps`. */
interface Differences {
  readonly steps: readonly number[];
  readonly weights: readonly number[];
  readonly tolerance: number;
}

const THREE_POINTS: Differences = { steps: [1e-5, -1e-5], weights: [0.5e5, -0.5e5], tolerance: 1e-7 };
/** Exact to order 4, for steps so large that float32 does not drown the differences. */
const FIVE_POINTS: Differences = {
  steps: [0.0625, -0.0625, 0.125, -0.125],
  weights: [8, -8, -1, 1].map((weight) => weight / (12 * 0.0625)),
  tolerance: 1e-4,
};

async function checkGradients(
  session: Session,
  { parameters, loss, product, first, second }: NonNullable<Built['orders']>,
  feeds: Readonly<Record<string, Tensor>>,
  results: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const single = Object.values(feeds).some(({ dtype }) => dtype === 'float32');
  const { steps, weights, tolerance } = single ? FIVE_POINTS : THREE_POINTS;
  for (const parameter of parameters) {
    const around = feeds[parameter.name]!;
    const differences: [number[], number[]] = [[], []];
    for (let i = 0; i < around.data.length; i++) {
      const nearby = await Promise.all(
        steps.map((change) =>
          session.run(
            { ...feeds, [parameter.name]: nudged(around, i, change) },
            { outputs: [loss.name, product.name] },
          ),
        ),
      );
      [loss, product].forEach((value, order) => {
        const slope = nearby.reduce((sum, at, k) => sum + weights[k]! * Number(at[value.name]!.data[0]), 0);
        differences[order]!.push(slope);
      });
    }
    [first, second].forEach((gradients, order) => {
      const what = `gradient of order ${order + 1} of "${parameter.name}"`;
      const got = results[gradients.get(parameter.name)!.name]!;
      expect(got.shape, `shape of the ${what}`).toEqual(around.shape);
      expectClose(numbersOf(got), differences[order]!, tolerance, what);
    });
  }
}

function nudged(source: Tensor, i: number, change: number): Tensor {
  const data = source.data.slice() as Float64Array;
  data[i]! += change;
  return { ...source, data };
}

/** The sweep stops before the node; only a refused one is reached, so that the sweep can say so. */
function checkNoGradient(op: OpType, { graph, inputs, outputs }: Built): void {
  const sources = new Set(inputs.flatMap((input) => (input === null ? [] : [input.name])));
  const reached = dependentValues(graph, sources);
  const { gradient } = OPS[op];
  // a rule is asked for constants that are floats, too
  const asked = typeof gradient === 'function' && inputs.some((input) => input !== null && isFloat(input.dtype));
  for (const { name, dtype } of outputs) {
    const wanted = isFloat(dtype) && (asked || typeof gradient === 'object');
    expect(reached.has(name), `the sweep reaches "${name}"`).toBe(wanted);
  }
}

/** Equal to `tolerance` of the largest wanted element (of 1, where all are smaller). */
export function expectClose(got: readonly number[], wanted: readonly number[], tolerance: number, what: string): void {
  const scale = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  const far = wanted.findIndex((x, i) => !(Object.is(got[i], x) || Math.abs(got[i]! - x) <= tolerance * scale));
  expect(got.length, `length of the ${what}`).toBe(wanted.length);
  expect(far, `the ${what} at ${far} is ${got[far]}, not ${wanted[far]}`).toBe(-1);
}
