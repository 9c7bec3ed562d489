/**
 * The table's specification of one op: its inputs and attributes, its shape rule and its gradient rule, side by side.
 */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import type { Dim, TensorType } from '../graph/tensor.ts';
import type { AttributeKind, OpAttributes, OpType } from './attributes.ts';

/** A node as a shape rule sees it. A rule throws `GraphError` if the inputs do not fit. */
export interface InferContext<K extends OpType> {
  /** null for an omitted optional input. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: OpAttributes[K];
  /** A new name for a size that is only known at run time. */
  freshDim(): string;
}

/** A shape rule's result for one output. */
export interface Inferred extends TensorType {
  readonly known?: readonly Dim[] | undefined;
}

/** A node as a gradient rule sees it. */
export interface GradientContext<K extends OpType> {
  readonly b: NodeBuilder;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  /** d loss / d outputs[0], of the shape of outputs[0]: zeros if the loss only depends on another output. */
  readonly gradient: Value;
  /**
   * d loss / d outputs[i], of the shape of outputs[i]; null if the loss does not depend on it. At least one is not
   * null.
   */
  readonly gradients: readonly (Value | null)[];
  /** Whether the gradient of input `i` is needed: a rule need not build the others. */
  wants(i: number): boolean;
}

/**
 * d loss / d inputs, in the order of the inputs; null if an input has none (or it is not needed). A rule of an op that
 * broadcasts may return the broadcast shape: the sweep sums it back.
 */
export type GradientRule<K extends OpType> = (context: GradientContext<K>) => readonly (Value | null)[];

/**
 * The three answers of an op: a rule; no gradient (its output is an integer, a boolean or piecewise constant); refused,
 * with the reason.
 */
export type Gradient<K extends OpType> = GradientRule<K> | 'none' | { readonly refused: string };

export interface OpSpec<K extends OpType> {
  /** Minimum and maximum number of inputs. */
  readonly arity: readonly [least: number, most: number];
  readonly attributes: { readonly [A in keyof Required<OpAttributes[K]>]: AttributeKind };
  readonly infer: (context: InferContext<K>) => readonly Inferred[];
  readonly gradient: Gradient<K>;
}
