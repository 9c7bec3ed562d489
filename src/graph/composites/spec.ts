/**
 * What is said of an op that a file may hold and a graph does not: its inputs, its attributes and the nodes that it
 * stands for.
 */
import type { Builder, NodeOptions } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { AttributeKind } from '../ops/attributes.ts';

type None = Readonly<Record<never, never>>;

/** The attributes of the composite ops, of the opsets that have them (14 to 21), names exactly as ONNX. */
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

/** What a rule sees of a node. It refuses with `refuse`. */
export interface CompositeContext<K extends CompositeOp> {
  /** Names the nodes that it adds `<node>/<op>`. */
  readonly b: Builder;
  /** null where an optional input is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: CompositeAttributes[K];
  /** For the node that gives output `i`: it gets the name that the file gives it. */
  output(i: number): NodeOptions;
  /** True where the file names output `i`. */
  wants(i: number): boolean;
}

export interface CompositeSpec<K extends CompositeOp> {
  /** Least and most number of inputs. */
  readonly arity: readonly [least: number, most: number];
  /** Most number of outputs. */
  readonly outputs: number;
  readonly attributes: { readonly [A in keyof Required<CompositeAttributes[K]>]: AttributeKind };
  /** Adds nodes of the table that give output 0, and the others where they are wanted. */
  readonly decompose: (context: CompositeContext<K>) => void;
}
