/**
 * Binary cross-entropy with PyTorch's clamps. Its hand-written first and second derivatives are finite for saturated
 * probabilities.
 */

import { GraphError } from '../errors.ts';
import { findMixture, type Mixture } from '../rewrite/exact-sigmoid.ts';
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';
import { sameShape, typeText } from './tensor.ts';

/** PyTorch's BCELoss clamps logarithms at -100. */
const LOWEST_LOG = -100;
/**
 * PyTorch's first derivative clamps p * (1 - p) to at least this number; the second derivative adds this number to p
 * and to 1 - p.
 */
const EPSILON = 1e-12;

/**
 * Lower bounds of exact probabilities: the smallest normal float32, and a number large enough for the reciprocal of its
 * square to be a finite float32.
 */
const LEAST = 2 ** -126;
const LEAST_SQUARABLE = 2 ** -60;

/**
 * Adds to `b` the mean of -(y * log(p) + (1 - y) * log(1 - p)), a scalar, for probabilities `p` and labels `y`, both
 * `[batch]`; other shapes cause a GraphError. The labels are data and get no gradient. Nor do `weights`, `[batch]`, by
 * which each row's loss is multiplied before the mean is taken.
 *
 * Differentiating `Max(Log(p), -100)` would yield 0 * inf = NaN at p = 0, so the first derivative is PyTorch's
 *
 *     (p - y) / max(p * (1 - p), 1e-12) / batch
 *
 * and the second derivative uses PyTorch's
 *
 *     ((p - y)^2 + y * (1 - y)) / ((p + 1e-12) * (1 - p + 1e-12))^2
 *
 * which is 0 at p = y, whereas differentiating the first formula would give 1e12.
 *
 * If `p` is a sigmoid in exact form, or a weighted mean of such sigmoids (`exactSigmoids`), 1 - p is also computed from
 * the logits, and the formulas do not need these clamps: (1 - y) / (1 - p) - y / p, and (1 - y) / (1 - p)^2 + y / p^2.
 */
export function binaryCrossEntropy(b: Builder, p: Value, y: Value, weights: Value | null = null): Value {
  if (p.shape.length !== 1 || !sameShape(p.shape, y.shape))
    throw new GraphError(
      `the scores "${p.name}" are ${typeText(p)} and the labels "${y.name}" are ${typeText(y)}, but ` +
        'both must be one number per row',
    );
  return b.named('bce/', () => {
    const mixture = findMixture(b, p);
    const one = b.scalar(1, p);
    const rest = mixture?.complement ?? b.add('Sub', [one, p]);
    const restOfY = b.add('Sub', [one, y]);
    const lowest = b.scalar(LOWEST_LOG, p);
    const logP = b.add('Max', [b.add('Log', [p]), lowest]);
    const logRest = b.add('Max', [b.add('Log', [rest]), lowest]);
    const weighted = (value: Value) => (weights ? b.add('Mul', [value, weights]) : value);
    const likelihood = weighted(b.add('Add', [b.add('Mul', [y, logP]), b.add('Mul', [restOfY, logRest])]));
    const loss = b.add('Neg', [b.add('ReduceMean', [likelihood], { keepdims: 0 })], {}, { name: 'loss' });

    const both = { p, rest, y, restOfY };
    const { error, divisor, variance } = mixture ? exactTerms(b, both, mixture) : pytorchTerms(b, both);
    const slope = b.add('Div', [error, divisor]);
    const count = b.add('Cast', [b.add('Squeeze', [b.add('Shape', [p], { start: 0, end: 1 }), b.ints([0])])], {
      to: p.dtype,
    });
    b.override(loss, [{ input: p, gradient: b.add('Div', [weighted(slope), count]) }]);

    const bend = b.add('Add', [b.add('Mul', [error, error]), b.add('Mul', [y, restOfY])]);
    b.override(slope, [{ input: p, gradient: b.add('Div', [b.add('Div', [bend, variance]), variance]) }]);
    return loss;
  });
}

interface Both {
  readonly p: Value;
  /** 1 - p */
  readonly rest: Value;
  readonly y: Value;
  readonly restOfY: Value;
}

/** p - y, and the divisors that replace p * (1 - p) in the first and the second derivative. */
interface Terms {
  readonly error: Value;
  readonly divisor: Value;
  readonly variance: Value;
}

function pytorchTerms(b: Builder, { p, rest, y }: Both): Terms {
  const epsilon = b.scalar(EPSILON, p);
  return {
    error: b.add('Sub', [p, y]),
    divisor: b.add('Max', [b.add('Mul', [p, rest]), epsilon]),
    variance: b.add('Mul', [b.add('Add', [p, epsilon]), b.add('Add', [rest, epsilon])]),
  };
}

function exactTerms(b: Builder, { p, rest, y, restOfY }: Both, { isExact }: Mixture): Terms {
  const product = (least: number) => {
    const bounded = b.add('Max', [rest, b.scalar(isExact ? least : EPSILON, p)]);
    return b.add('Mul', [b.add('Max', [p, b.scalar(least, p)]), bounded]);
  };
  return {
    error: b.add('Sub', [b.add('Mul', [p, restOfY]), b.add('Mul', [rest, y])]),
    divisor: product(LEAST),
    variance: product(LEAST_SQUARABLE),
  };
}
