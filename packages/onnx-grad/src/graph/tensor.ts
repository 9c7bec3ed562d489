/** Tensors in memory, and tensor types, which consist of an element type and a shape. */

export type DataType = 'float32' | 'float64' | 'int64' | 'int32' | 'bool';

/** A dimension: a size, or a name if the size is only known at run time. Equal names mean equal sizes. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: DataType;
  readonly shape: Shape;
}

export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

/** A tensor in memory, in row-major order. The data of `bool` is a Uint8Array of 0 and 1. */
export interface Tensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

export const BYTES_PER_ELEMENT: { readonly [K in DataType]: number } = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  bool: 1,
};

export function isFloat(dtype: DataType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** Number of elements of a concrete shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * Returns a tensor of `values`, which are in row-major order, with booleans as 0 and 1. If the number of values does
 * not match the shape, a RangeError is thrown.
 */
export function tensor(dtype: DataType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const count = elementCount(shape);
  if (values.length !== count) throw new RangeError(`${values.length} values do not fit shape [${shape.join(', ')}]`);
  const data = new ARRAYS[dtype](count);
  if (data instanceof BigInt64Array) for (let i = 0; i < count; i++) data[i] = BigInt(values[i]!);
  else for (let i = 0; i < count; i++) data[i] = values[i]!;
  return { dtype, shape: [...shape], data };
}

/** A view of `count` elements in `memory`, starting at byte `from`, which must be a multiple of the element size. */
export function dataIn(memory: SharedArrayBuffer, dtype: DataType, from: number, count: number): TensorData {
  return new ARRAYS[dtype](memory as never, from, count);
}

/** The elements of a tensor as numbers. An int64 beyond 2^53 loses precision. */
export function numbersOf(source: Tensor): number[] {
  return Array.from(source.data as ArrayLike<number | bigint>, Number);
}

/** Whether all sizes of a shape are numbers. */
export function isConcrete(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number');
}

/** Whether two shapes have the same sizes and names. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** The text of a type, such as `float32[batch, 16]`. */
export function typeText(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(', ')}]`;
}
