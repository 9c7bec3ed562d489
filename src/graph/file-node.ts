/** A node as a file gives it, before it is typed: what the reader sorts and converts. */
import type { AttributeProto } from 'onnx-buf';

export interface FileNode {
  readonly op: string;
  /** '' where the file gives none. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Of the model, or of the function that the node was in. */
  readonly opset: number;
}

/** The words that a refusal uses for a node: `Gemm node "fc1"`, or by its output where it has no name. */
export function nodeText(node: {
  readonly op: string;
  readonly name: string;
  readonly outputs: readonly string[];
}): string {
  if (node.name !== '') return `${node.op} node "${node.name}"`;
  return `${node.op} node that gives "${node.outputs.find((output) => output !== '') ?? ''}"`;
}
