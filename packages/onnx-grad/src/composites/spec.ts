/**
 * The type of an entry in the table of composite ops. A composite op may occur in a file, but is replaced by other
 * nodes in a graph.
 */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';
import type { NodeOptions } from '../graph/node-builder.ts';
import type { AttributeKind } from '../ops/attributes.ts';

type None = Readonly<Record<never, never>>;

/** The attributes of the composite ops in opsets 14 to 21, with their ONNX names. */
export interface CompositeAttributes {
  BatchNormalization: { readonly epsilon?: number; readonly momentum?: number; readonly training_mode?: number };
  CastLike: None;
  Celu: { readonly alpha?: number };
  Conv: {
    readonly auto_pad?: string;
    readonly dilations?: readonly number[];
    readonly group?: number;
    readonly kernel_shape?: readonly number[];
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
  };
  Dropout: { readonly seed?: number };
  Gelu: { readonly approximate?: string };
  GlobalAveragePool: None;
  GroupNormalization: { readonly epsilon?: number; readonly num_groups?: number; readonly stash_type?: number };
  HardSwish: None;
  InstanceNormalization: { readonly epsilon?: number };
  LayerNormalization: { readonly axis?: number; readonly epsilon?: number; readonly stash_type?: number };
  Mish: None;
  ReduceLogSum: { readonly keepdims?: number; readonly noop_with_empty_axes?: number };
}

export type CompositeOp = keyof CompositeAttributes;

/** A composite node as passed to its rule. The rule calls `refuse` if it cannot replace the node exactly. */
export interface CompositeContext<K extends CompositeOp> {
  /** Adds nodes named `<node>/<op>`. */
  readonly b: Builder;
  /** The inputs of the node; null for an omitted optional input. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: CompositeAttributes[K];
  /** Returns options for the node that produces output `i`, so that the output has the same name as in the file. */
  output(i: number): NodeOptions;
  /** Whether output `i` has a name in the file. */
  wants(i: number): boolean;
}

export interface CompositeSpec<K extends CompositeOp> {
  /** Minimum and maximum number of inputs. */
  readonly arity: readonly [least: number, most: number];
  /** Maximum number of outputs. */
  readonly outputs: number;
  readonly attributes: { readonly [A in keyof Required<CompositeAttributes[K]>]: AttributeKind };
  /** Adds nodes that produce output 0 and all other outputs that have a name in the file. */
  readonly decompose: (context: CompositeContext<K>) => void;
}
