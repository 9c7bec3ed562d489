/**
 * Immutable data types of graphs: typed values, nodes in topological order, parameters (initializers) and constants.
 */
import type { OpAttributes, OpType } from '../ops/attributes.ts';
import type { Dim, Tensor, TensorType } from './tensor.ts';

/** A value of a graph: the output of a node, an input, an initializer or a constant. */
export interface Value extends TensorType {
  readonly name: string;
  /** The elements of a small integer tensor (a shape, axes, indices) if they are known without a run. */
  readonly known?: readonly Dim[];
}

export interface Node<K extends OpType = OpType> {
  readonly op: K;
  readonly name: string;
  /** Names of the input values; '' for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OpAttributes[K];
}

/**
 * A hand-written gradient of `output` with respect to `input`, a value that `output` depends on. The reverse sweep
 * multiplies the gradient at `output` by `gradient` (which has the shape of `input`) and continues from `input`,
 * skipping the nodes in between. `output` must be a scalar, or a value whose element i depends only on element i of
 * `input`.
 */
export interface GradientOverride {
  readonly input: string;
  readonly gradient: string;
}

export interface Graph {
  readonly name: string;
  /** Names of the graph's inputs, in the order of the file. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The parameters by name. ONNX calls them initializers. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** The tensors of Constant nodes by name. They are never parameters. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** The nodes in topological order. */
  readonly nodes: readonly Node[];
  /** All values by name: inputs, initializers, constants and outputs of nodes. */
  readonly values: ReadonlyMap<string, Value>;
  /** Hand-written gradients (`GradientOverride`). They exist in memory only, never in a file. */
  readonly overrides: ReadonlyMap<string, readonly GradientOverride[]>;
}
