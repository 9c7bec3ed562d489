/** Comparisons and boolean ops, which have no gradient. */
import type { Value } from '../graph/ir.ts';
import type { Dim } from '../graph/tensor.ts';
import { broadcastOf, knownOf, requireBool, requireFloat, requireNumber, sameAsInput } from './helpers.ts';
import type { OpSpec } from './spec.ts';

type Comparison = 'Equal' | 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual';

function comparison<K extends Comparison>(check?: (input: Value) => void): OpSpec<K> {
  return {
    arity: [2, 2],
    attributes: {} as OpSpec<K>['attributes'],
    infer: (c) => [{ dtype: 'bool', shape: broadcastOf(c, check).shape }],
    gradient: 'none',
  };
}

export const Equal: OpSpec<'Equal'> = {
  ...comparison<'Equal'>(),
  infer: (c) => {
    const { shape } = broadcastOf(c);
    return [{ dtype: 'bool', shape, known: knownOf(c.inputs, shape, (x, y) => equals(x!, y!)) }];
  },
};

/** Returns 1 if x = y, 0 if x and y differ, and null if this is unknown. A named size is at least 0. */
function equals(x: Dim, y: Dim): 0 | 1 | null {
  if (x === y) return 1;
  if (typeof x === 'number' && typeof y === 'number') return 0;
  return [x, y].some((element) => typeof element === 'number' && element < 0) ? 0 : null;
}

export const Less = comparison<'Less'>(requireNumber);
export const LessOrEqual = comparison<'LessOrEqual'>(requireNumber);
export const Greater = comparison<'Greater'>(requireNumber);
export const GreaterOrEqual = comparison<'GreaterOrEqual'>(requireNumber);

function connective<K extends 'And' | 'Or' | 'Xor'>(): OpSpec<K> {
  return {
    arity: [2, 2],
    attributes: {} as OpSpec<K>['attributes'],
    infer: (c) => [broadcastOf(c, requireBool)],
    gradient: 'none',
  };
}

export const And = connective<'And'>();
export const Or = connective<'Or'>();
export const Xor = connective<'Xor'>();

export const Not: OpSpec<'Not'> = {
  arity: [1, 1],
  attributes: {},
  infer: (c) => {
    requireBool(c.inputs[0]!);
    return sameAsInput(c);
  },
  gradient: 'none',
};

export const IsNaN: OpSpec<'IsNaN'> = {
  arity: [1, 1],
  attributes: {},
  infer: ({ inputs: [x] }) => {
    requireFloat(x!);
    return [{ dtype: 'bool', shape: x!.shape }];
  },
  gradient: 'none',
};

export const IsInf: OpSpec<'IsInf'> = {
  arity: [1, 1],
  attributes: { detect_negative: 'int', detect_positive: 'int' },
  infer: ({ inputs: [x] }) => {
    requireFloat(x!);
    return [{ dtype: 'bool', shape: x!.shape }];
  },
  gradient: 'none',
};
