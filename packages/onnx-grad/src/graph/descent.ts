/** Adds one step of gradient descent to a graph as nodes. */
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';

/** Adds theta - rate * gradient. `gradient` has the shape of the parameter; `rate` is a scalar. */
export function descentStep(b: Builder, parameter: Value, gradient: Value, rate: Value): Value {
  return b.add('Sub', [parameter, b.add('Mul', [gradient, rate])]);
}
