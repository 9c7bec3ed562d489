/** Finds initializers that PyTorch's exporter merged because their values were equal. */
import type { ModelProto, NodeProto } from './generated/onnx_pb.ts';

/**
 * Maps the name of a merged initializer to the name of the initializer that was kept. If several parameters or buffers
 * have equal values, such as the ones and zeros of untrained normalisations, `torch.onnx.export` keeps only one
 * initializer. It writes every other parameter as an Identity of this initializer; the Identity's output has the
 * parameter's name in PyTorch. For training, the initializers must be separate again. Identity nodes that are part of
 * the model have output names that begin with "/".
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

/** Whether a node is the Identity that replaced a merged initializer. */
export function isMerged({ opType, output }: NodeProto, merged: ReadonlyMap<string, string>): boolean {
  return opType === 'Identity' && output[0] !== undefined && merged.has(output[0]);
}
