/** Computes small nodes of constants without running them, bit for bit as ONNX Runtime does; what is not sure to be is left alone. */
import {
  type DataType,
  elementCount,
  isConcrete,
  isFloat,
  type Node,
  numbersOf,
  type Tensor,
  type TensorData,
  tensor,
  type Value,
} from '../ir.ts';
import type { OpType } from '../ops/attributes.ts';
import { KNOWN_ELEMENTS, knownElements } from '../ops/dims.ts';
import type { Inferred, OpSpec } from '../ops/spec.ts';
import { OPS } from '../ops/table.ts';

/** The inputs whose elements these ops move, and do nothing else with. */
const MOVED: { readonly [K in OpType]?: readonly number[] | 'all' } = {
  Concat: 'all',
  Expand: [0],
  Gather: [0],
  Identity: [0],
  Reshape: [0],
  Slice: [0],
  Split: [0],
  Squeeze: [0],
  Tile: [0],
  Transpose: [0],
  Unsqueeze: [0],
  Where: [1, 2],
};

/** Ops on floats whose result IEEE 754 fixes to the last bit. */
const EXACT: { readonly [K in OpType]?: (x: number, y: number) => number } = {
  Abs: Math.abs,
  Add: (x, y) => x + y,
  Div: (x, y) => x / y,
  Mul: (x, y) => x * y,
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Sub: (x, y) => x - y,
};

const COMPARISONS: { readonly [K in OpType]?: (x: number, y: number) => boolean } = {
  Equal: (x, y) => x === y,
  Greater: (x, y) => x > y,
  GreaterOrEqual: (x, y) => x >= y,
  Less: (x, y) => x < y,
  LessOrEqual: (x, y) => x <= y,
};

/** What the node gives for `inputs` (null where one is left out), or null where it is not computed here. */
export function evaluate(node: Node, inputs: readonly (Tensor | null)[]): readonly Tensor[] | null {
  if (inputs.some((input) => input !== null && input.data.length > KNOWN_ELEMENTS)) return null;
  const moved = MOVED[node.op];
  if (moved) return move(node, inputs, moved === 'all' ? inputs.map((_, i) => i) : moved);
  const [exact, compare] = [EXACT[node.op], COMPARISONS[node.op]];
  if (!exact && !compare && node.op !== 'Cast') return null;
  const given = inputs.map((input, i) => input && asValue(input, i));
  const type = infer(node, given)?.[0];
  if (!type || !isConcrete(type.shape) || elementCount(type.shape) > KNOWN_ELEMENTS) return null;
  const { dtype, shape } = type;
  if (inputs.some((input) => input?.dtype === 'int64' && !numbersOf(input).every(Number.isSafeInteger))) return null;
  const [x, y] = inputs.map((input) => broadcast(input!, shape));
  const result = (f: (x: number, y: number) => number) => [
    tensor(
      dtype,
      shape,
      x!.map((element, i) => f(element, y?.[i] ?? 0)),
    ),
  ];
  if (exact) return isFloat(dtype) ? result(exact) : null;
  return compare ? result((p, q) => Number(compare(p, q))) : cast(x!, dtype, shape);
}

/** The result of a shape rule on elements that stand for their own places. */
function move(node: Node, inputs: readonly (Tensor | null)[], moved: readonly number[]): readonly Tensor[] | null {
  let start = 0;
  const values = inputs.map((input, i) => {
    if (input === null || !moved.includes(i)) return input && asValue(input, i);
    const from = start;
    start += input.data.length;
    return { ...asValue(input, i), known: placesFrom(from, input) };
  });
  const all = moved.flatMap((i) => Array.from<number | bigint>(inputs[i]!.data as ArrayLike<number | bigint>));
  const { dtype, data } = inputs[moved[0]!]!;
  const results = infer(node, values)?.map(({ shape, known }) => {
    if (!known || !isConcrete(shape)) return null;
    const Elements = data.constructor as new (count: number) => TensorData;
    const out = new Elements(known.length);
    known.forEach((place, i) => {
      out[i] = all[place as number] as never;
    });
    return { dtype, shape, data: out };
  });
  return results?.every((result) => result !== null) ? results : null;
}

function infer(node: Node, inputs: readonly (Value | null)[]): readonly Inferred[] | null {
  const { infer: rule } = OPS[node.op] as OpSpec<OpType>;
  let isKnown = true;
  const types = rule({
    inputs,
    attributes: node.attributes,
    freshDim: () => {
      isKnown = false;
      return 'unknown';
    },
  });
  return isKnown ? types : null;
}

function asValue(source: Tensor, i: number): Value {
  const { dtype, shape } = source;
  return { name: String(i), dtype, shape, ...(isFloat(dtype) ? {} : { known: numbersOf(source) }) };
}

/** The places of the elements of `source`, counted from `start`. */
function placesFrom(start: number, { data }: Tensor): number[] {
  return Array.from({ length: data.length }, (_, i) => start + i);
}

function broadcast(source: Tensor, shape: readonly number[]): number[] {
  const offset = shape.length - source.shape.length;
  const places = { ...asValue(source, 0), known: placesFrom(0, source) };
  const from = (index: readonly number[]) => source.shape.map((size, axis) => (size === 1 ? 0 : index[offset + axis]!));
  const numbers = numbersOf(source);
  return knownElements(places, shape, from)!.map((place) => numbers[place as number]!);
}

/** Null where an element is beyond what the type holds. */
function cast(x: readonly number[], to: DataType, shape: readonly number[]): readonly Tensor[] | null {
  if (isFloat(to)) return [tensor(to, shape, x)];
  const whole = x.map(to === 'bool' ? (element) => Number(element !== 0) : Math.trunc);
  return whole.every((element) => Math.abs(element) < 2 ** 31) ? [tensor(to, shape, whole)] : null;
}
