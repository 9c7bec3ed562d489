/** A node as read from the file, not yet sorted, converted and typed. */
import type { AttributeProto } from './generated/onnx_pb.ts';

export interface FileNode {
  readonly op: string;
  /** The node's name; '' if the node has no name in the file. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** The opset of the model, or of the function that contained the node. */
  readonly opset: number;
}

/**
 * The description of a node in error messages: `Gemm node "fc1"`. A node without a name is identified by its output.
 */
export function nodeText(node: {
  readonly op: string;
  readonly name: string;
  readonly outputs: readonly string[];
}): string {
  if (node.name !== '') return `${node.op} node "${node.name}"`;
  return `${node.op} node with output "${node.outputs.find((output) => output !== '') ?? ''}"`;
}
