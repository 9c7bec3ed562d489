/**
 * The part of a builder that gradient rules use. It does not import the table of ops, so that the table can import it.
 */
import type { OpAttributes, OpType } from '../ops/attributes.ts';
import type { Value } from './ir.ts';
import type { DataType, Tensor, TensorType } from './tensor.ts';

export interface NodeOptions {
  /** The node's name; default: derived from the op. A number is appended to make it unique. */
  readonly name?: string | undefined;
  /**
   * Exact names of the outputs (used when reading files); the default, also for '', is derived from the node's name.
   */
  readonly outputs?: readonly string[] | undefined;
}

export interface NodeBuilder {
  /** Adds a node and returns its first output. Inputs that do not fit the op are a GraphError. */
  add<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    ...rest: Record<never, never> extends OpAttributes[K]
      ? [attributes?: OpAttributes[K], options?: NodeOptions]
      : [attributes: OpAttributes[K], options?: NodeOptions]
  ): Value;
  /** Adds a node and returns all its outputs. Inputs that do not fit the op are a GraphError. */
  addAll<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    attributes: OpAttributes[K],
    options?: NodeOptions,
  ): readonly Value[];
  /** A constant; small constants with equal contents are shared. */
  constant(data: Tensor, name?: string): Value;
  /** A constant scalar of the element type of `like`, or of a named one. */
  scalar(value: number, like: DataType | TensorType): Value;
  /** A constant int64 vector: axes, shapes, indices. */
  ints(values: readonly number[]): Value;
  /**
   * The contents of `value` if they are fixed: if it is a constant, or an initializer of integers or booleans (float
   * initializers are trained).
   */
  constantOf(value: Value): Tensor | undefined;
}
