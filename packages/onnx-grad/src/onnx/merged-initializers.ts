/** Finds the initializers that PyTorch's exporter has merged because their values were equal. */
import type { ModelProto, NodeProto } from './generated/onnx_pb.ts';

/**
 * Name -> the remaining initializer. `torch.onnx.export` keeps one of several parameters (or buffers) of equal values,
 * such as the ones and zeros of fresh normalisations, and writes each other as an Identity of it, under its name in
 * PyTorch. They are only equal at the start: each is trained separately, or is a buffer. The output of the model's own
 * Identity nodes has a name that begins with "/".
 */
export function mergedInitializers({ producerName, graph }: ModelProto): ReadonlyMap<string, string> {
  if (producerName !== 'pytorch' || !graph) return new Map();
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const merged = new Map<string, string>();
  for (const { opType, input, output } of graph.node) {
    const [kept, name] = [input[0], output[0]];
    if (opType !== 'Identity' || kept === undefined || name === undefined || name === '') continue;
    if (initializers.has(kept) && !name.startsWith('/') && !outputs.has(name)) merged.set(name, kept);
  }
  return merged;
}

/** True for a node that only renames an initializer. */
export function isMerged({ opType, output }: NodeProto, merged: ReadonlyMap<string, string>): boolean {
  return opType === 'Identity' && output[0] !== undefined && merged.has(output[0]);
}
