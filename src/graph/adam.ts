/** One step of Adam and of plain gradient descent as nodes. */
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';

export interface AdamConstants {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** PyTorch's defaults (Kingma & Ba 2015, algorithm 1). */
export const ADAM: AdamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** One parameter's inputs to a step, all of the same shape. */
export interface AdamState {
  readonly parameter: Value;
  readonly gradient: Value;
  readonly moment1: Value;
  readonly moment2: Value;
}

/**
 * theta - rate / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon), m and v the new moments. `stepSize` = rate /
 * (1 - beta1^t) and `scale2` = 1 / sqrt(1 - beta2^t) are scalars that the caller computes for step t.
 */
export function adamStep(
  b: Builder,
  state: AdamState,
  stepSize: Value,
  scale2: Value,
  settings: AdamConstants = ADAM,
): Omit<AdamState, 'gradient'> {
  const { gradient: g } = state;
  const mix = (old: Value, fresh: Value, beta: number) =>
    b.add('Add', [b.add('Mul', [old, b.scalar(beta, old)]), b.add('Mul', [fresh, b.scalar(1 - beta, old)])]);
  const moment1 = mix(state.moment1, g, settings.beta1);
  const moment2 = mix(state.moment2, b.add('Mul', [g, g]), settings.beta2);
  const scale = b.add('Add', [b.add('Mul', [b.add('Sqrt', [moment2]), scale2]), b.scalar(settings.epsilon, g)]);
  const parameter = b.add('Sub', [state.parameter, b.add('Div', [b.add('Mul', [moment1, stepSize]), scale])]);
  return { parameter, moment1, moment2 };
}

/** The two scalars of step `t` (from 1). */
export function adamScalars(
  rate: number,
  t: number,
  settings: AdamConstants = ADAM,
): { stepSize: number; scale2: number } {
  return { stepSize: rate / (1 - settings.beta1 ** t), scale2: 1 / Math.sqrt(1 - settings.beta2 ** t) };
}

/** theta - rate * gradient. */
export function descentStep(b: Builder, parameter: Value, gradient: Value, rate: Value): Value {
  return b.add('Sub', [parameter, b.add('Mul', [gradient, rate])]);
}
