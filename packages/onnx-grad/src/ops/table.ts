/** The table of ops. The project does not compile if an op or its test case is missing. */

import * as activations from './activations.ts';
import type { OpType } from './attributes.ts';
import * as einsum from './einsum.ts';
import * as elementwise from './elementwise.ts';
import * as extremes from './extremes.ts';
import * as gather from './gather.ts';
import * as generate from './generate.ts';
import * as logic from './logic.ts';
import * as many from './many.ts';
import * as math from './math.ts';
import * as matrix from './matrix.ts';
import * as power from './power.ts';
import * as norms from './reduce.ts';
import * as product from './reduce.ts';
import * as reduce from './reduce.ts';
import * as shape from './shape.ts';
import * as slices from './slices.ts';
import type { OpSpec } from './spec.ts';

export const OPS: { readonly [K in OpType]: OpSpec<K> } = {
  Abs: math.Abs,
  Add: elementwise.Add,
  And: logic.And,
  ArgMax: extremes.ArgMax,
  ArgMin: extremes.ArgMin,
  Cast: elementwise.Cast,
  Ceil: math.Ceil,
  Clip: elementwise.Clip,
  Concat: slices.Concat,
  ConstantOfShape: generate.ConstantOfShape,
  Cos: math.Cos,
  CumSum: reduce.CumSum,
  Div: elementwise.Div,
  Einsum: einsum.Einsum,
  Elu: activations.Elu,
  Equal: logic.Equal,
  Erf: math.Erf,
  Exp: math.Exp,
  Expand: shape.Expand,
  EyeLike: generate.EyeLike,
  Flatten: shape.Flatten,
  Floor: math.Floor,
  Gather: gather.Gather,
  GatherElements: gather.GatherElements,
  GatherND: gather.GatherND,
  Gemm: matrix.Gemm,
  Greater: logic.Greater,
  GreaterOrEqual: logic.GreaterOrEqual,
  HardSigmoid: activations.HardSigmoid,
  Identity: elementwise.Identity,
  IsInf: logic.IsInf,
  IsNaN: logic.IsNaN,
  LeakyRelu: activations.LeakyRelu,
  Less: logic.Less,
  LessOrEqual: logic.LessOrEqual,
  Log: elementwise.Log,
  LogSoftmax: reduce.LogSoftmax,
  MatMul: matrix.MatMul,
  Max: many.Max,
  Mean: many.Mean,
  Min: many.Min,
  Mod: math.Mod,
  Mul: elementwise.Mul,
  Neg: elementwise.Neg,
  NonZero: generate.NonZero,
  Not: logic.Not,
  OneHot: generate.OneHot,
  Or: logic.Or,
  PRelu: activations.PRelu,
  Pad: slices.Pad,
  Pow: power.Pow,
  Range: generate.Range,
  Reciprocal: math.Reciprocal,
  ReduceL1: norms.ReduceL1,
  ReduceL2: norms.ReduceL2,
  ReduceLogSumExp: norms.ReduceLogSumExp,
  ReduceMax: extremes.ReduceMax,
  ReduceMean: reduce.ReduceMean,
  ReduceMin: extremes.ReduceMin,
  ReduceProd: product.ReduceProd,
  ReduceSum: reduce.ReduceSum,
  ReduceSumSquare: norms.ReduceSumSquare,
  Relu: elementwise.Relu,
  Reshape: shape.Reshape,
  Round: math.Round,
  ScatterElements: gather.ScatterElements,
  ScatterND: gather.ScatterND,
  Selu: activations.Selu,
  Shape: generate.Shape,
  Sigmoid: elementwise.Sigmoid,
  Sign: math.Sign,
  Sin: math.Sin,
  Size: generate.Size,
  Slice: slices.Slice,
  Softmax: reduce.Softmax,
  Softplus: activations.Softplus,
  Softsign: activations.Softsign,
  Split: slices.Split,
  Sqrt: elementwise.Sqrt,
  Squeeze: shape.Squeeze,
  Sub: elementwise.Sub,
  Sum: many.Sum,
  Tanh: activations.Tanh,
  Tile: shape.Tile,
  TopK: gather.TopK,
  Transpose: shape.Transpose,
  Trilu: matrix.Trilu,
  Unsqueeze: shape.Unsqueeze,
  Where: elementwise.Where,
  Xor: logic.Xor,
};

/** Whether a graph may contain `op`. */
export function isOp(op: string): op is OpType {
  return Object.hasOwn(OPS, op);
}
