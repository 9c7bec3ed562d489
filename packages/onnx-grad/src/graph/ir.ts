/**
 * The graph data types: typed values, nodes in topological order, parameters (initializers) and constants. Immutable.
 */
import type { OpAttributes, OpType } from '../ops/attributes.ts';
import type { Dim, Tensor, TensorType } from './tensor.ts';

/** A value of a graph: the output of a node, an input, an initializer or a constant. */
export interface Value extends TensorType {
  readonly name: string;
  /** The elements, if known without a run: for small integer tensors (shapes, axes, indices). */
  readonly known?: readonly Dim[];
}

export interface Node<K extends OpType = OpType> {
  readonly op: K;
  readonly name: string;
  /** Names of values; '' for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OpAttributes[K];
}

/**
 * A hand-written gradient of `output` with respect to some of the values that it depends on: the sweep multiplies the
 * gradient at `output` (a scalar, or a value whose element i depends only on element i of `input`) by `gradient` (of
 * the shape of `input`) and continues from `input`, without visiting the nodes in between.
 */
export interface GradientOverride {
  readonly input: string;
  readonly gradient: string;
}

export interface Graph {
  readonly name: string;
  /** Names of the inputs, in the order of the file. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Parameters, which ONNX calls initializers. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** The contents of Constant nodes; never parameters. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Topologically sorted. */
  readonly nodes: readonly Node[];
  /** Every value by name: inputs, initializers, constants and the outputs of nodes. */
  readonly values: ReadonlyMap<string, Value>;
  /** In memory only, never in a file: see `GradientOverride`. */
  readonly overrides: ReadonlyMap<string, readonly GradientOverride[]>;
}
