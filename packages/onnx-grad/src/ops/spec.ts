/** The type of an entry in the table of ops: inputs, attributes, the shape rule and the gradient rule. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import type { Dim, TensorType } from '../graph/tensor.ts';
import type { AttributeKind, OpAttributes, OpType } from './attributes.ts';

/** A node as passed to its shape rule, which throws a GraphError if the inputs do not fit. */
export interface InferContext<K extends OpType> {
  /** The inputs of the node; null for an omitted optional input. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: OpAttributes[K];
  /** Returns a new name for a size that is only known at run time. */
  freshDim(): string;
}

/** The type of one output, with its elements if they are known. */
export interface Inferred extends TensorType {
  readonly known?: readonly Dim[] | undefined;
}

/** A node as passed to its gradient rule. */
export interface GradientContext<K extends OpType> {
  readonly b: NodeBuilder;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  /**
   * The gradient d loss / d outputs[0], with the shape of outputs[0]; zeros if the loss only depends on other outputs.
   */
  readonly gradient: Value;
  /**
   * The gradients d loss / d outputs[i], each with the shape of its output; null if the loss does not depend on output
   * i. At least one gradient is not null.
   */
  readonly gradients: readonly (Value | null)[];
  /** Whether the gradient of input `i` is needed. A rule may skip inputs whose gradient is not needed. */
  wants(i: number): boolean;
}

/**
 * Returns d loss / d inputs in the order of the inputs. The entry is null if the gradient does not exist or is not
 * needed. The rule of an op that broadcasts may return gradients of the broadcast shape; the reverse sweep sums over
 * the broadcast axes.
 */
export type GradientRule<K extends OpType> = (context: GradientContext<K>) => readonly (Value | null)[];

/**
 * The gradient of an op: a gradient rule; 'none' if the output is an integer, a boolean or piecewise constant; or the
 * reason why there is no rule.
 */
export type Gradient<K extends OpType> = GradientRule<K> | 'none' | { readonly refused: string };

export interface OpSpec<K extends OpType> {
  /** Minimum and maximum number of inputs. */
  readonly arity: readonly [least: number, most: number];
  readonly attributes: { readonly [A in keyof Required<OpAttributes[K]>]: AttributeKind };
  readonly infer: (context: InferContext<K>) => readonly Inferred[];
  readonly gradient: Gradient<K>;
}
