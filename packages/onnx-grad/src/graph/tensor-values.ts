/**
 * What the builder knows about a tensor: its type, the elements of small integer ones, and a key that equal ones share.
 */

import { KNOWN_ELEMENTS } from '../ops/dims.ts';
import type { Value } from './ir.ts';
import { type Dim, elementCount, isConcrete, isFloat, numbersOf, type Tensor, tensor, typeText } from './tensor.ts';

export function valueOfTensor(name: string, data: Tensor): Value {
  const small = !isFloat(data.dtype) && data.dtype !== 'bool' && elementCount(data.shape) <= KNOWN_ELEMENTS;
  const known: { known?: readonly Dim[] } = small ? { known: numbersOf(data) } : {};
  return { name, dtype: data.dtype, shape: [...data.shape], ...known };
}

/** The contents of a value all of whose elements are known without running; null of any other. */
export function knownTensor({ dtype, shape, known }: Value): Tensor | null {
  // "to the end" is written as the largest int64, which no number holds
  if (!known?.every((element) => Number.isSafeInteger(element)) || !isConcrete(shape)) return null;
  return tensor(dtype, shape, known as readonly number[]);
}

/** Equal for equal constants; null for those too large to compare. */
export function keyOf(data: Tensor): string | null {
  if (data.data.length > KNOWN_ELEMENTS) return null;
  return `${typeText(data)}=${Array.from(data.data as ArrayLike<number | bigint>, (x) => (Object.is(x, -0) ? '-0' : String(x)))}`;
}
