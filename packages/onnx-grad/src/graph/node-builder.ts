/**
 * The part of a builder that gradient rules use. This file does not import the table of ops, so that the table can
 * import this file.
 */
import type { OpAttributes, OpType } from '../ops/attributes.ts';
import type { Value } from './ir.ts';
import type { DataType, Tensor, TensorType } from './tensor.ts';

export interface NodeOptions {
  /** The node's name. Default: derived from the op. A number is appended if the name is already in use. */
  readonly name?: string | undefined;
  /** Exact names of the outputs, used when reading files. An omitted or empty name is derived from the node's name. */
  readonly outputs?: readonly string[] | undefined;
}

export interface NodeBuilder {
  /** Adds a node and returns its first output. Inputs that do not fit the op cause a GraphError. */
  add<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    ...rest: Record<never, never> extends OpAttributes[K]
      ? [attributes?: OpAttributes[K], options?: NodeOptions]
      : [attributes: OpAttributes[K], options?: NodeOptions]
  ): Value;
  /** Adds a node and returns all its outputs. Inputs that do not fit the op cause a GraphError. */
  addAll<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    attributes: OpAttributes[K],
    options?: NodeOptions,
  ): readonly Value[];
  /** Adds a constant. Small constants with equal contents are shared. */
  constant(data: Tensor, name?: string): Value;
  /** Adds a constant scalar with the element type of `like`, or with a named element type. */
  scalar(value: number, like: DataType | TensorType): Value;
  /** Adds a constant int64 vector, such as axes, a shape or indices. */
  ints(values: readonly number[]): Value;
  /**
   * The contents of `value` if they never change, which is the case for constants and for initializers of integers or
   * booleans. Float initializers may be trained.
   */
  constantOf(value: Value): Tensor | undefined;
}
