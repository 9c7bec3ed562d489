/** Binary cross-entropy with PyTorch's clamps, and its gradient by hand: finite on saturated rows, in both orders. */
import type { Builder } from './builder.ts';
import type { Value } from './ir.ts';

/** PyTorch's BCELoss: a logarithm is not below -100. */
const LOWEST_LOG = -100;
/** PyTorch's backward: p (1 - p) is not below this. */
const LEAST_VARIANCE = 1e-12;

/**
 * Mean over the batch of -(y log p + (1 - y) log(1 - p)), a scalar, for `p` and `y` of shape `[batch]`.
 *
 * dL/dp = (p - y) / max(p (1 - p), 1e-12) / batch, as PyTorch's: differentiating `Max(Log(p), -100)` would give 0 * inf = NaN
 * at p = 0. The gradient is made of ordinary nodes, so the second order goes through it.
 */
export function binaryCrossEntropy(b: Builder, p: Value, y: Value): Value {
  return b.named('bce/', () => {
    const one = b.scalar(1, p);
    const rest = b.add('Sub', [one, p]);
    const lowest = b.scalar(LOWEST_LOG, p);
    const logP = b.add('Max', [b.add('Log', [p]), lowest]);
    const logRest = b.add('Max', [b.add('Log', [rest]), lowest]);
    const likelihood = b.add('Add', [b.add('Mul', [y, logP]), b.add('Mul', [b.add('Sub', [one, y]), logRest])]);
    const loss = b.add('Neg', [b.add('ReduceMean', [likelihood], { keepdims: 0 })], {}, { name: 'loss' });
    const variance = b.add('Max', [b.add('Mul', [p, rest]), b.scalar(LEAST_VARIANCE, p)]);
    const count = b.add('Cast', [b.add('Squeeze', [b.add('Shape', [p], { start: 0, end: 1 }), b.ints([0])])], {
      to: p.dtype,
    });
    b.override(loss, [{ input: p, gradient: b.add('Div', [b.add('Div', [b.add('Sub', [p, y]), variance]), count]) }]);
    return loss;
  });
}
