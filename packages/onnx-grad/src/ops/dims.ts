/**
 * Arithmetic on sizes that may be names: broadcasting, axes, products, and the known elements of small integer tensors.
 */
import { GraphError } from '../errors.ts';
import type { Value } from '../graph/ir.ts';
import { type Dim, elementCount, isConcrete, type Shape } from '../graph/tensor.ts';

/** Maximum number of elements in an integer tensor for shape rules to track its elements. */
export const KNOWN_ELEMENTS = 64;

/**
 * Returns the size of two dimensions broadcast against each other. Two different names yield a new name, because either
 * may be 1 at run time.
 */
export function broadcastDim(a: Dim, b: Dim, freshDim: () => string): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number' && typeof b === 'number') throw new GraphError(`sizes ${a} and ${b} do not broadcast`);
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return freshDim();
}

/** Returns the shape that results when values are broadcast against each other by numpy's rules. */
export function broadcastShapes(shapes: readonly Shape[], freshDim: () => string): Dim[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const out: Dim[] = new Array<Dim>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (let i = 0; i < shape.length; i++) out[offset + i] = broadcastDim(out[offset + i]!, shape[i]!, freshDim);
  }
  return out;
}

/** Returns `axis` as a number from 0 to rank - 1. A negative axis counts from the end. A scalar has no axis. */
export function normalizeAxis(axis: number, rank: number, what = 'axis'): number {
  const result = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= rank)
    throw new GraphError(`${what} ${axis} is out of range for a value of rank ${rank}`);
  return result;
}

/** Returns the axes as sorted numbers from 0 to rank - 1. A repeated axis causes a GraphError. */
export function normalizeAxes(axes: readonly number[], rank: number): number[] {
  const result = [...new Set(axes.map((axis) => normalizeAxis(axis, rank)))].sort((a, b) => a - b);
  if (result.length !== axes.length) throw new GraphError(`axes ${axes.join(', ')} repeat an axis`);
  return result;
}

/** Returns the elements of an integer tensor if all are known as numbers, otherwise null. */
export function knownNumbers(value: Value | null | undefined): readonly number[] | null {
  const known = value?.known;
  return known?.every((x) => typeof x === 'number') ? (known as readonly number[]) : null;
}

/** Like `knownNumbers`, but unknown elements cause a GraphError with a message that begins with `what`. */
export function requireNumbers(value: Value | null | undefined, what: string): readonly number[] {
  const known = knownNumbers(value);
  if (!known) throw new GraphError(`${what} must be known before running`);
  return known;
}

/**
 * Returns the known elements of a result with shape `shape` that only rearranges the elements of `x`. The element at
 * `index` is the element of `x` at `from(index)`. Returns undefined if a shape or an element is unknown.
 */
export function knownElements(
  x: Value,
  shape: Shape,
  from: (index: readonly number[]) => readonly number[],
): readonly Dim[] | undefined {
  const { known, shape: given } = x;
  if (!known || !isConcrete(shape) || !isConcrete(given) || elementCount(shape) > KNOWN_ELEMENTS) return undefined;
  return indicesOf(shape).map((index) => known[from(index).reduce((flat, i, axis) => flat * given[axis]! + i, 0)]!);
}

/** Returns all indices into a value with shape `shape`, in row-major order. */
function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (indices, size) => indices.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

/** Returns the product of the sizes if it is a number or a single name, otherwise null. */
export function productOf(dims: Shape): Dim | null {
  let number = 1;
  const names: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') number *= dim;
    else names.push(dim);
  }
  if (number === 0 || names.length === 0) return number;
  return number === 1 && names.length === 1 ? names[0]! : null;
}

/**
 * Returns product(a) / product(b) if, after cancelling names, the quotient is a number or a single name, otherwise
 * null.
 */
export function quotientOf(a: Shape, b: Shape): Dim | null {
  const left: Dim[] = [...a];
  const right: Dim[] = [];
  for (const dim of b) {
    const at = typeof dim === 'string' ? left.indexOf(dim) : -1;
    if (at >= 0) left.splice(at, 1);
    else right.push(dim);
  }
  if (right.some((dim) => typeof dim === 'string')) return null;
  const divisor = right.reduce<number>((product, dim) => product * (dim as number), 1);
  const names = left.filter((dim) => typeof dim === 'string');
  const number = left.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  if (divisor === 0 || number % divisor !== 0 || names.length > 1) return null;
  if (names.length === 0) return number / divisor;
  return number === divisor ? names[0]! : null;
}

/** Separates `sizes` into the product of the numbers and the list of the names. */
function factorsOf(dims: Shape): readonly [number: number, names: readonly string[]] {
  const number = dims.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  return [number, dims.filter((dim) => typeof dim === 'string')];
}

/** Whether product(a) and product(b) differ whatever values (0 or more) the names stand for. */
export function neverEqual(a: Shape, b: Shape): boolean {
  const [[p, left], [q, right]] = [factorsOf(a), factorsOf(b)];
  // if both shapes contain names, all names may be 0, which makes the products equal
  if (left.length > 0 && right.length > 0) return false;
  if (left.length === 0 && right.length === 0) return p !== q;
  const [whole, part] = left.length === 0 ? [p, q] : [q, p];
  return whole !== 0 && (part === 0 || whole % part !== 0);
}

/**
 * Throws a GraphError if the number of known elements can never fit the shape, as with four elements in `[batch, 3]` or
 * in `[1]`.
 */
export function requireFitting({ shape, known }: { readonly shape: Shape; readonly known?: Shape | undefined }): void {
  if (known && neverEqual([known.length], shape))
    throw new GraphError(`${known.length} elements do not fit [${shape.join(', ')}]`);
}

/**
 * Whether product(a) is never a multiple of product(b), which must not be 0. If so, -1 in a target shape cannot be
 * resolved.
 */
export function neverDivides(a: Shape, b: Shape): boolean {
  const [[p, left], [q, right]] = [factorsOf(a), factorsOf(b)];
  if (q === 0) return true;
  // names in b are not 0, so they cancel with equal names in a; a remaining name in a may be a multiple of any number,
  // and remaining names in b may be 1
  const rest = [...right];
  const free = left.filter((name) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return free.length === 0 && p % q !== 0;
}

/** Whether both sizes are numbers, and differ. */
export function mustDiffer(a: Dim, b: Dim): boolean {
  return typeof a === 'number' && typeof b === 'number' && a !== b;
}
