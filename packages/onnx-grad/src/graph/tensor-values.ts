/**
 * Derives facts about a tensor for the builder: its type, its elements if it is a small integer tensor, and a key for
 * sharing equal constants.
 */

import { KNOWN_ELEMENTS } from '../ops/dims.ts';
import type { Value } from './ir.ts';
import { type Dim, elementCount, isConcrete, isFloat, numbersOf, type Tensor, tensor, typeText } from './tensor.ts';

/** Returns a value called `name` with the contents `data`. */
export function valueOfTensor(name: string, data: Tensor): Value {
  const small = !isFloat(data.dtype) && data.dtype !== 'bool' && elementCount(data.shape) <= KNOWN_ELEMENTS;
  const known: { known?: readonly Dim[] } = small ? { known: numbersOf(data) } : {};
  return { name, dtype: data.dtype, shape: [...data.shape], ...known };
}

/** The contents of a value if all elements are known without a run, otherwise null. */
export function knownTensor({ dtype, shape, known }: Value): Tensor | null {
  // the largest int64, which exporters write for "to the end", is not a safe integer
  if (!known?.every((element) => Number.isSafeInteger(element)) || !isConcrete(shape)) return null;
  return tensor(dtype, shape, known as readonly number[]);
}

/** A key that is the same for equal constants; null if the constant is too large to compare. */
export function keyOf(data: Tensor): string | null {
  if (data.data.length > KNOWN_ELEMENTS) return null;
  return `${typeText(data)}=${Array.from(data.data as ArrayLike<number | bigint>, (x) => (Object.is(x, -0) ? '-0' : String(x)))}`;
}
