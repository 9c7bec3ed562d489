/**
 * Binary cross-entropy with PyTorch's clamps and hand-written gradients that are finite on saturated rows, in both
 * orders.
 */
import type { Builder } from './builder.ts';
import { GraphError } from './error.ts';
import { sameShape, typeText, type Value } from './ir.ts';

/** PyTorch's BCELoss clamps logarithms at -100. */
const LOWEST_LOG = -100;
/** PyTorch's backward clamps p (1 - p) at this; in second order it is added to p and to 1 - p. */
const EPSILON = 1e-12;

/**
 * Mean over the batch of -(y log p + (1 - y) log(1 - p)), a scalar, for `p` and `y` of shape `[batch]`; other shapes
 * are a GraphError. The labels `y` are data and get no gradient.
 *
 * Differentiating `Max(Log(p), -100)` would yield 0 * inf = NaN at p = 0, so both orders use PyTorch's own formulas:
 * dL/dp = (p - y) / max(p (1 - p), 1e-12) / batch, and its derivative ((p - y)^2 + y (1 - y)) / ((p + 1e-12) (1 - p +
 * 1e-12))^2, which is 0 where p = y: differentiating the first would yield 1e12 there.
 */
export function binaryCrossEntropy(b: Builder, p: Value, y: Value): Value {
  if (p.shape.length !== 1 || !sameShape(p.shape, y.shape))
    throw new GraphError(
      `the scores "${p.name}" are ${typeText(p)} and the labels "${y.name}" ${typeText(y)}, not both one ` +
        'number per row',
    );
  return b.named('bce/', () => {
    const one = b.scalar(1, p);
    const rest = b.add('Sub', [one, p]);
    const restOfY = b.add('Sub', [one, y]);
    const lowest = b.scalar(LOWEST_LOG, p);
    const logP = b.add('Max', [b.add('Log', [p]), lowest]);
    const logRest = b.add('Max', [b.add('Log', [rest]), lowest]);
    const likelihood = b.add('Add', [b.add('Mul', [y, logP]), b.add('Mul', [restOfY, logRest])]);
    const loss = b.add('Neg', [b.add('ReduceMean', [likelihood], { keepdims: 0 })], {}, { name: 'loss' });

    const epsilon = b.scalar(EPSILON, p);
    const error = b.add('Sub', [p, y]);
    const slope = b.add('Div', [error, b.add('Max', [b.add('Mul', [p, rest]), epsilon])]);
    const count = b.add('Cast', [b.add('Squeeze', [b.add('Shape', [p], { start: 0, end: 1 }), b.ints([0])])], {
      to: p.dtype,
    });
    b.override(loss, [{ input: p, gradient: b.add('Div', [slope, count]) }]);

    const variance = b.add('Mul', [b.add('Add', [p, epsilon]), b.add('Add', [rest, epsilon])]);
    const bend = b.add('Add', [b.add('Mul', [error, error]), b.add('Mul', [y, restOfY])]);
    b.override(slope, [{ input: p, gradient: b.add('Div', [b.add('Div', [bend, variance]), variance]) }]);
    return loss;
  });
}
