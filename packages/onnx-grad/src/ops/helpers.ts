/** Helpers for the rules of ops: type checks, zeros, and shapes at run time. */

import { GraphError } from '../errors.ts';
import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import {
  type DataType,
  type Dim,
  elementCount,
  isConcrete,
  isFloat,
  type Shape,
  sameShape,
  type TensorType,
} from '../graph/tensor.ts';
import { broadcastShapes, knownElements, knownNumbers } from './dims.ts';
import type { InferContext, Inferred } from './spec.ts';

/** Returns the element type of all inputs. Different types cause a GraphError. */
export function commonType(inputs: readonly (Value | null)[]): DataType {
  const [first, ...others] = inputs.filter((input) => input !== null);
  for (const other of others)
    if (other.dtype !== first!.dtype) throw new GraphError(`types ${first!.dtype} and ${other.dtype} are mixed`);
  return first!.dtype;
}

/**
 * Checks the number of inputs, and that none of the first `least` inputs is omitted. Error messages begin with `where`.
 */
export function requireArity(
  inputs: readonly (Value | null)[],
  [least, most]: readonly [least: number, most: number],
  where: string,
): void {
  if (inputs.length < least || inputs.length > most)
    throw new GraphError(`${where} has ${inputs.length} inputs, not ${least === most ? least : `${least} to ${most}`}`);
  const missing = inputs.slice(0, least).indexOf(null);
  if (missing >= 0) throw new GraphError(`${where} lacks its input ${missing}`);
}

/** Checks that no input is omitted, for ops with any number of inputs. */
export function requireAll(inputs: readonly (Value | null)[]): void {
  const missing = inputs.indexOf(null);
  if (missing >= 0) throw new GraphError(`input ${missing} is missing`);
}

export function requireNumber(input: Value): void {
  if (input.dtype === 'bool') throw new GraphError(`"${input.name}" is bool, not a number`);
}

export function requireFloat(input: Value): void {
  if (!isFloat(input.dtype)) throw new GraphError(`"${input.name}" is ${input.dtype}, not a float`);
}

export function requireInteger(input: Value, what: string): void {
  if (input.dtype !== 'int64' && input.dtype !== 'int32')
    throw new GraphError(`${what} "${input.name}" is ${input.dtype}, not int64 or int32`);
}

export function requireBool(input: Value): void {
  if (input.dtype !== 'bool') throw new GraphError(`"${input.name}" is ${input.dtype}, not bool`);
}

/** The shape rule for an op with a result of the same type as the first input. */
export function sameAsInput({ inputs }: { readonly inputs: readonly (Value | null)[] }): readonly Inferred[] {
  const { dtype, shape } = inputs[0]!;
  return [{ dtype, shape }];
}

/** The shape rule for an op with a float input and a result of the same type. */
export function floatUnary(context: { readonly inputs: readonly (Value | null)[] }): readonly Inferred[] {
  requireFloat(context.inputs[0]!);
  return sameAsInput(context);
}

/** An op with one float input, a result of the same type, and no attributes. */
export const FLOAT_UNARY = { arity: [1, 1], attributes: {}, infer: floatUnary } as const;

/**
 * Returns the type that results when the inputs are broadcast against each other. All inputs must have the same element
 * type. Calls `check` with each input.
 */
export function broadcastOf(
  { inputs, freshDim }: Pick<InferContext<'Add'>, 'inputs' | 'freshDim'>,
  check: (input: Value) => void = () => {},
): TensorType {
  const present = inputs.filter((input) => input !== null);
  for (const input of present) check(input);
  return {
    dtype: commonType(present),
    shape: broadcastShapes(
      present.map((input) => input.shape),
      freshDim,
    ),
  };
}

/**
 * Returns the elements of a result with shape `shape`. `combine` computes each element from elements of the broadcast
 * inputs. Returns undefined if any element is unknown.
 */
export function knownOf(
  inputs: readonly (Value | null)[],
  shape: Shape,
  combine: (...elements: readonly Dim[]) => Dim | null,
): readonly Dim[] | undefined {
  if (!isConcrete(shape)) return undefined;
  const parts = inputs.map((input) => {
    const offset = shape.length - input!.shape.length;
    return knownElements(input!, shape, (index) =>
      input!.shape.map((size, axis) => (size === 1 ? 0 : index[offset + axis]!)),
    );
  });
  if (!parts.every((part) => part !== undefined)) return undefined;
  const out = Array.from({ length: elementCount(shape) }, (_, i) => combine(...parts.map((part) => part[i]!)));
  return out.every((element) => element !== null) ? out : undefined;
}

/** Applies `f` to two elements if both are numbers. */
export const onNumbers = (f: (a: number, b: number) => number) => (a: Dim, b: Dim) =>
  typeof a === 'number' && typeof b === 'number' ? f(a, b) : null;

/**
 * The shape rule for an op with two inputs that are broadcast. `combine` returns an element of the result, or null if
 * the element is unknown.
 */
export function arithmetic(
  c: Pick<InferContext<'Add'>, 'inputs' | 'freshDim'>,
  combine: (a: Dim, b: Dim) => Dim | null,
): readonly Inferred[] {
  const type = broadcastOf(c, requireNumber);
  return [{ ...type, known: knownOf(c.inputs, type.shape, (a, b) => combine(a!, b!)) }];
}

/** Returns the shape of `x` as an int64 vector, which is a constant if the shape is known. */
export function shapeOf(b: NodeBuilder, x: Value): Value {
  return isConcrete(x.shape) ? b.ints(x.shape) : b.add('Shape', [x]);
}

/** Returns zeros with the type and shape of `x`. */
export function zerosLike(b: NodeBuilder, x: Value): Value {
  return b.add('ConstantOfShape', [shapeOf(b, x)], { value: 0, dtype: x.dtype });
}

/** Reshapes `g` to the shape of `x`. Both have the same number of elements. */
export function reshapeLike(b: NodeBuilder, g: Value, x: Value): Value {
  return sameShape(g.shape, x.shape) ? g : b.add('Reshape', [g, shapeOf(b, x)], { allowzero: 1 });
}

/** Returns the size of `x` along `axis` as an int64 vector with one element. */
export function sizeAlong(b: NodeBuilder, x: Value, axis: number): Value {
  const dim = x.shape[axis]!;
  return typeof dim === 'number' ? b.ints([dim]) : b.add('Shape', [x], { start: axis, end: axis + 1 });
}

/** Converts a boolean mask to 0 and 1 in the element type of `like`. */
export function maskAs(b: NodeBuilder, mask: Value, like: TensorType): Value {
  return b.add('Cast', [mask], { to: like.dtype });
}

/** Converts indices or sizes to int64, which ScatterND, Slice, and Concat with other int64 values require. */
export function asInt64(b: NodeBuilder, x: Value): Value {
  return x.dtype === 'int64' ? x : b.add('Cast', [x], { to: 'int64' });
}

/** Returns the sizes that a shape tensor contains, or new names if only the length of the tensor is known. */
export function dimsOf(shape: Value, freshDim: () => string): readonly Dim[] {
  requireInteger(shape, 'the shape');
  if (shape.shape.length !== 1) refuse('the shape must be a vector');
  if (shape.known) return shape.known;
  const rank = shape.shape[0]!;
  if (typeof rank !== 'number') refuse('the rank of the result must be known before running');
  return Array.from({ length: rank }, freshDim);
}

/** Throws a GraphError. The builder adds the node's name to the message. */
export function refuse(message: string): never {
  throw new GraphError(message);
}

/** Returns zeros with the shape of `x`, but with size `size` (an int64 vector with one element) along `axis`. */
export function zerosOfSize(b: NodeBuilder, x: Value, axis: number, size: Value): Value {
  const parts = x.shape.map((_, i) => (i === axis ? size : sizeAlong(b, x, i)));
  return b.add('ConstantOfShape', [joined(b, parts)], { value: 0, dtype: x.dtype });
}

/** Concatenates int64 vectors. The result is a constant if all vectors are known. */
export function joined(b: NodeBuilder, parts: readonly Value[]): Value {
  const known = parts.map(knownNumbers);
  return known.every((part) => part !== null) ? b.ints(known.flat()) : b.add('Concat', parts, { axis: 0 });
}

/**
 * Returns a value that is zero except for the slices of `part`: along `axis`, the i-th slice is at position
 * `places[i]`. `size`, an int64 vector with one element, is the size along `axis`; `places` is an int64 vector of
 * distinct positions.
 */
export function scatterAlong(b: NodeBuilder, part: Value, places: Value, axis: number, size: Value): Value {
  const front = [axis, ...part.shape.map((_, i) => i).filter((i) => i !== axis)];
  const [to, back] = [front, front.map((_, i) => front.indexOf(i))];
  const move = (x: Value, perm: readonly number[]) => (axis === 0 ? x : b.add('Transpose', [x], { perm }));
  const moved = move(part, to);
  const at = b.add('Unsqueeze', [places, b.ints([1])]);
  return move(b.add('ScatterND', [zerosOfSize(b, moved, 0, size), at, moved]), back);
}
