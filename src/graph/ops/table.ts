/** The one table of ops. A missing row is a compile error; a row without a test case fails the tests. */
import type { OpType } from './attributes.ts';
import * as elementwise from './elementwise.ts';
import * as gather from './gather.ts';
import * as logic from './logic.ts';
import * as matrix from './matrix.ts';
import * as reduce from './reduce.ts';
import * as shape from './shape.ts';
import type { OpSpec } from './spec.ts';

export const OPS: { readonly [K in OpType]: OpSpec<K> } = {
  Add: elementwise.Add,
  And: logic.And,
  Cast: elementwise.Cast,
  Clip: elementwise.Clip,
  Concat: shape.Concat,
  ConstantOfShape: shape.ConstantOfShape,
  Div: elementwise.Div,
  Equal: logic.Equal,
  Expand: shape.Expand,
  Flatten: shape.Flatten,
  Gather: gather.Gather,
  GatherND: gather.GatherND,
  Gemm: matrix.Gemm,
  Greater: logic.Greater,
  Identity: elementwise.Identity,
  Less: logic.Less,
  Log: elementwise.Log,
  MatMul: matrix.MatMul,
  Max: elementwise.Max,
  Mul: elementwise.Mul,
  Neg: elementwise.Neg,
  NonZero: shape.NonZero,
  Not: logic.Not,
  Range: shape.Range,
  ReduceMean: reduce.ReduceMean,
  ReduceSum: reduce.ReduceSum,
  Relu: elementwise.Relu,
  Reshape: shape.Reshape,
  ScatterND: gather.ScatterND,
  Shape: shape.Shape,
  Sigmoid: elementwise.Sigmoid,
  Slice: shape.Slice,
  Softmax: reduce.Softmax,
  Sqrt: elementwise.Sqrt,
  Squeeze: shape.Squeeze,
  Sub: elementwise.Sub,
  Transpose: shape.Transpose,
  Unsqueeze: shape.Unsqueeze,
  Where: elementwise.Where,
};

/** True where a graph may hold `op`. */
export function isOp(op: string): op is OpType {
  return Object.hasOwn(OPS, op);
}
