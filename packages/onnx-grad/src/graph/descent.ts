/** One step of gradient descent as nodes. */
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';

/** theta - rate * gradient. */
export function descentStep(b: Builder, parameter: Value, gradient: Value, rate: Value): Value {
  return b.add('Sub', [parameter, b.add('Mul', [gradient, rate])]);
}
