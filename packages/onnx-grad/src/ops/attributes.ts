/** The attributes of all ops that a graph may contain, with their ONNX names (opset 18) and their types in a file. */
import type { DataType } from '../graph/tensor.ts';

type None = Readonly<Record<never, never>>;
type Reduction = { readonly keepdims?: number; readonly noop_with_empty_axes?: number };

export interface OpAttributes {
  Abs: None;
  Add: None;
  And: None;
  ArgMax: { readonly axis?: number; readonly keepdims?: number; readonly select_last_index?: number };
  ArgMin: { readonly axis?: number; readonly keepdims?: number; readonly select_last_index?: number };
  Cast: { readonly to: DataType };
  Ceil: None;
  Clip: None;
  Concat: { readonly axis: number };
  ConstantOfShape: { readonly value?: number; readonly dtype?: DataType };
  Cos: None;
  CumSum: { readonly exclusive?: number; readonly reverse?: number };
  Div: None;
  Einsum: { readonly equation: string };
  Elu: { readonly alpha?: number };
  Equal: None;
  Erf: None;
  Exp: None;
  Expand: None;
  EyeLike: { readonly dtype?: DataType; readonly k?: number };
  Flatten: { readonly axis?: number };
  Floor: None;
  Gather: { readonly axis?: number };
  GatherElements: { readonly axis?: number };
  GatherND: { readonly batch_dims?: number };
  Gemm: { readonly alpha?: number; readonly beta?: number; readonly transA?: number; readonly transB?: number };
  Greater: None;
  GreaterOrEqual: None;
  HardSigmoid: { readonly alpha?: number; readonly beta?: number };
  Identity: None;
  IsInf: { readonly detect_negative?: number; readonly detect_positive?: number };
  IsNaN: None;
  LeakyRelu: { readonly alpha?: number };
  Less: None;
  LessOrEqual: None;
  Log: None;
  LogSoftmax: { readonly axis?: number };
  MatMul: None;
  Max: None;
  Mean: None;
  Min: None;
  Mod: { readonly fmod?: number };
  Mul: None;
  Neg: None;
  NonZero: None;
  Not: None;
  OneHot: { readonly axis?: number };
  Or: None;
  PRelu: None;
  Pad: { readonly mode?: 'constant' };
  Pow: None;
  Range: None;
  Reciprocal: None;
  ReduceL1: Reduction;
  ReduceL2: Reduction;
  ReduceLogSumExp: Reduction;
  ReduceMax: Reduction;
  ReduceMean: Reduction;
  ReduceMin: Reduction;
  ReduceProd: Reduction;
  ReduceSum: Reduction;
  ReduceSumSquare: Reduction;
  Relu: None;
  Reshape: { readonly allowzero?: number };
  Round: None;
  ScatterElements: { readonly axis?: number; readonly reduction?: 'none' | 'add' };
  ScatterND: { readonly reduction?: 'none' | 'add' };
  Selu: { readonly alpha?: number; readonly gamma?: number };
  Shape: { readonly start?: number; readonly end?: number };
  Sigmoid: None;
  Sign: None;
  Sin: None;
  Size: None;
  Slice: None;
  Softmax: { readonly axis?: number };
  Softplus: None;
  Softsign: None;
  Split: { readonly axis?: number; readonly num_outputs?: number };
  Sqrt: None;
  Squeeze: None;
  Sub: None;
  Sum: None;
  Tanh: None;
  Tile: None;
  TopK: { readonly axis?: number; readonly largest?: number; readonly sorted?: number };
  Transpose: { readonly perm: readonly number[] };
  Trilu: { readonly upper?: number };
  Unsqueeze: None;
  Where: None;
  Xor: None;
}

export type OpType = keyof OpAttributes;

/**
 * The type of each kind of attribute in a file: `dtype` is stored as the int of its TensorProto.DataType, `fill` as a
 * tensor of one element.
 */
export type AttributeKind = 'int' | 'float' | 'ints' | 'string' | 'dtype' | 'fill';
