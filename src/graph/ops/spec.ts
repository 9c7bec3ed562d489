/** What the table says of one op: its inputs and attributes, its shape rule and its gradient rule, side by side. */
import type { Builder } from '../builder.ts';
import type { Dim, TensorType, Value } from '../ir.ts';
import type { AttributeKind, OpAttributes, OpType } from './attributes.ts';

/** What a shape rule sees of a node. A rule throws `GraphError` where the inputs do not fit. */
export interface InferContext<K extends OpType> {
  /** null where an optional input is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: OpAttributes[K];
  /** A new name for a size that is known at run time only. */
  freshDim(): string;
}

/** What a shape rule gives for one output. */
export interface Inferred extends TensorType {
  readonly known?: readonly Dim[] | undefined;
}

/** What a gradient rule sees of a node. */
export interface GradientContext<K extends OpType> {
  readonly b: Builder;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  /** d loss / d outputs[0], of the shape of outputs[0]: zeros where the loss depends on another output only. */
  readonly gradient: Value;
  /**
   * d loss / d outputs[i], of the shape of outputs[i]; null where the loss does not depend on it. At least one is
   * there.
   */
  readonly gradients: readonly (Value | null)[];
  /** True where the gradient of input `i` is asked for: a rule need not build the others. */
  wants(i: number): boolean;
}

/**
 * d loss / d inputs, in the order of the inputs; null where an input has none (or was not asked for). A rule of an
 * op that broadcasts may return the broadcast shape: the sweep sums it back.
 */
export type GradientRule<K extends OpType> = (context: GradientContext<K>) => readonly (Value | null)[];

/**
 * The three answers of an op: a rule; no gradient (its output is an integer, a truth value or a piecewise constant);
 * refused, with the reason.
 */
export type Gradient<K extends OpType> = GradientRule<K> | 'none' | { readonly refused: string };

export interface OpSpec<K extends OpType> {
  /** Least and most number of inputs. */
  readonly arity: readonly [least: number, most: number];
  readonly attributes: { readonly [A in keyof Required<OpAttributes[K]>]: AttributeKind };
  readonly infer: (context: InferContext<K>) => readonly Inferred[];
  readonly gradient: Gradient<K>;
}
