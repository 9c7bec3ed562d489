/** The attributes of every op that a graph can hold (ONNX opset 18, names exactly as ONNX), and how a file writes them. */
import type { DataType } from '../ir.ts';

type None = Readonly<Record<never, never>>;

export interface OpAttributes {
  Add: None;
  And: None;
  Cast: { readonly to: DataType };
  Clip: None;
  Concat: { readonly axis: number };
  ConstantOfShape: { readonly value?: number; readonly dtype?: DataType };
  Div: None;
  Equal: None;
  Expand: None;
  Flatten: { readonly axis?: number };
  Gather: { readonly axis?: number };
  GatherND: None;
  Gemm: { readonly alpha?: number; readonly beta?: number; readonly transA?: number; readonly transB?: number };
  Greater: None;
  Identity: None;
  Less: None;
  Log: None;
  MatMul: None;
  Max: None;
  Mul: None;
  Neg: None;
  NonZero: None;
  Not: None;
  Range: None;
  ReduceMean: { readonly keepdims?: number; readonly noop_with_empty_axes?: number };
  ReduceSum: { readonly keepdims?: number; readonly noop_with_empty_axes?: number };
  Relu: None;
  Reshape: { readonly allowzero?: number };
  ScatterND: { readonly reduction?: 'none' | 'add' };
  Shape: { readonly start?: number; readonly end?: number };
  Sigmoid: None;
  Slice: None;
  Softmax: { readonly axis?: number };
  Sqrt: None;
  Squeeze: None;
  Sub: None;
  Transpose: { readonly perm: readonly number[] };
  Unsqueeze: None;
  Where: None;
}

export type OpType = keyof OpAttributes;

/** How ONNX stores an attribute. `dtype` is an int holding a TensorProto.DataType; `fill` the one-element tensor of ConstantOfShape. */
export type AttributeKind = 'int' | 'float' | 'ints' | 'floats' | 'string' | 'dtype' | 'fill';
