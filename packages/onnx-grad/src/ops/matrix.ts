/** Matrix products, and triangular parts of matrices. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { type Dim, typeText } from '../graph/tensor.ts';
import { broadcastDim, broadcastShapes, mustDiffer } from './dims.ts';
import { commonType, refuse, requireFloat } from './helpers.ts';
import type { OpSpec } from './spec.ts';

/** Exchanges the last two axes of `x`. */
function transposed(b: NodeBuilder, x: Value): Value {
  const perm = x.shape.map((_, i) => i);
  const last = perm.length - 1;
  perm[last] = last - 1;
  perm[last - 1] = last;
  return b.add('Transpose', [x], { perm });
}

/** Reshapes `x` to a matrix with the same last axis: `[.., k]` becomes `[rows, k]`. */
function asRows(b: NodeBuilder, x: Value): Value {
  return b.add('Flatten', [x], { axis: x.shape.length - 1 });
}

// (A * B)' = A' * B + A * B', so dA = g * B^T and dB = A^T * g; the reverse sweep sums over batch axes that were
// broadcast
export const MatMul: OpSpec<'MatMul'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const [x, y] = inputs;
    const dtype = commonType(inputs);
    requireFloat(x!);
    if (x!.shape.length === 0 || y!.shape.length === 0) refuse('a scalar has no matrix product');
    const left: readonly Dim[] = x!.shape.length === 1 ? [1, x!.shape[0]!] : x!.shape;
    const right: readonly Dim[] = y!.shape.length === 1 ? [y!.shape[0]!, 1] : y!.shape;
    const inner = left[left.length - 1]!;
    if (mustDiffer(inner, right[right.length - 2]!))
      refuse(`inner sizes ${inner} and ${right[right.length - 2]} differ`);
    const shape = broadcastShapes([left.slice(0, -2), right.slice(0, -2)], freshDim);
    if (x!.shape.length > 1) shape.push(left[left.length - 2]!);
    if (y!.shape.length > 1) shape.push(right[right.length - 1]!);
    return [{ dtype, shape }];
  },
  gradient: ({ b, inputs: [x, y], gradient, wants }) => {
    const left = x!.shape.length === 1 ? b.add('Unsqueeze', [x!, b.ints([0])]) : x!;
    const right = y!.shape.length === 1 ? b.add('Unsqueeze', [y!, b.ints([1])]) : y!;
    const lost = [...(x!.shape.length === 1 ? [-2] : []), ...(y!.shape.length === 1 ? [-1] : [])];
    const g = lost.length > 0 ? b.add('Unsqueeze', [gradient, b.ints(lost)]) : gradient;
    let dx = wants(0) ? b.add('MatMul', [g, transposed(b, right)]) : null;
    // if a batch of matrices is multiplied by a single matrix, a single product over all rows replaces the sum of one
    // product per batch entry
    let dy: Value | null = null;
    if (wants(1)) {
      const flat = right.shape.length === 2 && left.shape.length > 2;
      dy = flat
        ? b.add('MatMul', [transposed(b, asRows(b, left)), asRows(b, g)])
        : b.add('MatMul', [transposed(b, left), g]);
    }
    if (dx && x!.shape.length === 1) dx = vectorGradient(b, dx, 0);
    if (dy && y!.shape.length === 1) dy = vectorGradient(b, dy, 1);
    return [dx, dy];
  },
};

/**
 * Reduces `[.., 1, k]` or `[.., k, 1]` to the vector `[k]` by summing over the batch axes and removing the inserted
 * axis.
 */
function vectorGradient(b: NodeBuilder, d: Value, axis: 0 | 1): Value {
  const batch = d.shape.slice(0, -2).map((_, i) => i);
  const matrix = batch.length > 0 ? b.add('ReduceSum', [d, b.ints(batch)], { keepdims: 0 }) : d;
  return b.add('Squeeze', [matrix, b.ints([axis])]);
}

// Y = alpha * A * B + beta * C: dA = alpha * g * B^T, dB = alpha * A^T * g, dC = beta * g; the reverse sweep sums over
// axes that were broadcast
export const Gemm: OpSpec<'Gemm'> = {
  arity: [2, 3],
  attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
  infer: ({ inputs, attributes, freshDim }) => {
    const [x, y, c] = inputs;
    const dtype = commonType(inputs);
    requireFloat(x!);
    if (x!.shape.length !== 2 || y!.shape.length !== 2) refuse('Gemm takes matrices');
    const [m, k] = attributes.transA ? [x!.shape[1]!, x!.shape[0]!] : [x!.shape[0]!, x!.shape[1]!];
    const [k2, n] = attributes.transB ? [y!.shape[1]!, y!.shape[0]!] : [y!.shape[0]!, y!.shape[1]!];
    if (mustDiffer(k, k2)) refuse(`inner sizes ${k} and ${k2} differ`);
    const shape = [m, n];
    if (c) {
      if (c.shape.length > 2) refuse(`C of rank ${c.shape.length} does not broadcast to a matrix`);
      c.shape.forEach((dim, i) => {
        const target = shape[2 - c.shape.length + i]!;
        if (dim !== 1 && mustDiffer(broadcastDim(dim, target, freshDim), target))
          refuse(`C of size ${dim} does not broadcast to ${target}`);
      });
    }
    return [{ dtype, shape }];
  },
  gradient: ({
    b,
    inputs: [x, y, c],
    attributes: { alpha = 1, beta = 1, transA = 0, transB = 0 },
    gradient: g,
    wants,
  }) => {
    const dx = () =>
      transA
        ? b.add('Gemm', [y!, g], { alpha, transA: transB, transB: 1 })
        : b.add('Gemm', [g, y!], { alpha, transB: 1 - transB });
    const dy = () =>
      transB
        ? b.add('Gemm', [g, x!], { alpha, transA: 1, transB: transA })
        : b.add('Gemm', [x!, g], { alpha, transA: 1 - transA });
    // beta is rounded to float32, because a file stores it as a float32
    const dc = () => (beta === 1 ? g : b.add('Mul', [g, b.scalar(Math.fround(beta), g)]));
    return [wants(0) ? dx() : null, wants(1) ? dy() : null, c && wants(2) ? dc() : null];
  },
};

// elements above (or below) a diagonal become zero, and so do their gradients
export const Trilu: OpSpec<'Trilu'> = {
  arity: [1, 2],
  attributes: { upper: 'int' },
  infer: ({ inputs: [x, k] }) => {
    if (x!.shape.length < 2) refuse(`a value of rank ${x!.shape.length} contains no matrices`);
    if (k && (k.dtype !== 'int64' || k.shape.length !== 0)) refuse(`the diagonal is ${typeText(k)}, not int64[]`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient: ({ b, inputs: [, k], attributes, gradient: g }) => [b.add('Trilu', [g, k ?? null], attributes), null],
};
