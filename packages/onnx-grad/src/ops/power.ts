/** Pow. The gradients with respect to base and exponent are finite wherever PyTorch's gradients are finite. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { numbersOf } from '../graph/tensor.ts';
import { broadcastShapes } from './dims.ts';
import { requireNumber } from './helpers.ts';
import type { OpSpec } from './spec.ts';

// (x^y)' = y * x^(y - 1) * x' + x^y * log(x) * y'
export const Pow: OpSpec<'Pow'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, y], freshDim }) => {
    requireNumber(x!);
    requireNumber(y!);
    // base and exponent may have different types; the result has the type of the base
    return [{ dtype: x!.dtype, shape: broadcastShapes([x!.shape, y!.shape], freshDim) }];
  },
  gradient: ({ b, inputs: [x, y], outputs: [out], gradient: g, wants }) => [
    wants(0) ? ofBase(b, x!, y!, g) : null,
    wants(1) ? ofExponent(b, x!, y!, out!, g) : null,
  ],
};

function ofBase(b: NodeBuilder, x: Value, y: Value, g: Value): Value | null {
  const scalar = (value: number) => b.scalar(value, x);
  const fixed = fixedExponent(b, y);
  if (fixed === 0) return null;
  if (fixed === 1) return g;
  if (fixed !== null) {
    const power = fixed === 2 ? x : b.add('Pow', [x, scalar(fixed - 1)]);
    return b.add('Mul', [g, b.add('Mul', [power, scalar(fixed)])]);
  }
  const exponent = y.dtype === x.dtype ? y : b.add('Cast', [y], { to: x.dtype });
  const isZero = (value: Value) => b.add('Equal', [value, scalar(0)]);
  // (x^0)' = 0, even at x = 0; any finite value of the power will do there, because the power is multiplied by y = 0
  const zeros = b.add('And', [isZero(x), isZero(exponent)]);
  const less = b.add('Where', [zeros, scalar(0), b.add('Sub', [exponent, scalar(1)])]);
  return b.add('Mul', [g, b.add('Mul', [exponent, b.add('Pow', [x, less])])]);
}

/** The gradient with respect to the exponent. As in PyTorch, it is 0 where x = 0 and y >= 0, and NaN where x < 0. */
function ofExponent(b: NodeBuilder, x: Value, y: Value, out: Value, g: Value): Value {
  const zero = b.scalar(0, x);
  const exponent = y.dtype === x.dtype ? y : b.add('Cast', [y], { to: x.dtype });
  const none = b.add('And', [b.add('Equal', [x, zero]), b.add('GreaterOrEqual', [exponent, zero])]);
  const log = b.add('Log', [b.add('Where', [none, b.scalar(1, x), x])]);
  const gradient = b.add('Mul', [g, b.add('Mul', [out, log])]);
  return y.dtype === x.dtype ? gradient : b.add('Cast', [gradient], { to: y.dtype });
}

/** The exponent if it is a constant with one element, otherwise null. */
function fixedExponent(b: NodeBuilder, y: Value): number | null {
  const data = b.constantOf(y);
  return data?.data.length === 1 ? numbersOf(data)[0]! : null;
}
