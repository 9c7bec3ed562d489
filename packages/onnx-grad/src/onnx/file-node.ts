/** A node as the file has it, before it is sorted, converted and typed. */
import type { AttributeProto } from './generated/onnx_pb.ts';

export interface FileNode {
  readonly op: string;
  /** '' if the file has none. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** The opset of the model, or of the function that the node was in. */
  readonly opset: number;
}

/** A node's name in messages: `Gemm node "fc1"`, or by its output if it has no name. */
export function nodeText(node: {
  readonly op: string;
  readonly name: string;
  readonly outputs: readonly string[];
}): string {
  if (node.name !== '') return `${node.op} node "${node.name}"`;
  return `${node.op} node with output "${node.outputs.find((output) => output !== '') ?? ''}"`;
}
