/** Computes before running what does not depend on any input or parameter: sizes, axes, masks, scales. */
import { elementCount, type Graph, isConcrete, type Tensor, tensor } from '../ir.ts';
import type { OpType } from '../ops/attributes.ts';
import type { Inferred, OpSpec } from '../ops/spec.ts';
import { OPS } from '../ops/table.ts';
import { evaluate } from './evaluate.ts';
import { type Place, rewrite } from './rewrite.ts';

/**
 * `graph` with constants in the place of nodes whose result is small and known: what shape rules follow, and exact arithmetic on
 * constants. Parameters are no constants: they may change.
 */
export function foldConstants(graph: Graph): Graph {
  return rewrite(graph, (place) => {
    const { b, node, hasOverride } = place;
    if (node.outputs.some(hasOverride)) return null;
    const tensors = knownOutputs(place) ?? constantOutputs(place);
    return tensors?.map((data, i) => b.constant(data, node.outputs[i]!)) ?? null;
  });
}

function knownOutputs({ node, inputs }: Place): readonly Tensor[] | null {
  const { infer } = OPS[node.op] as OpSpec<OpType>;
  const tensors = infer({ inputs, attributes: node.attributes, freshDim: () => 'unknown' }).map(knownTensor);
  return tensors.every((data) => data !== null) ? tensors : null;
}

function knownTensor({ dtype, shape, known }: Inferred): Tensor | null {
  const limit = dtype === 'int64' ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
  if (!known || !isConcrete(shape) || !(dtype === 'int64' || dtype === 'int32' || dtype === 'bool')) return null;
  // a shape that was learnt now may not hold them: the node's copy is refused by name
  if (known.length !== elementCount(shape)) return null;
  const numbers = known.filter((element) => typeof element === 'number' && Math.abs(element) <= limit) as number[];
  return numbers.length === known.length ? tensor(dtype, shape, numbers) : null;
}

function constantOutputs({ node, constant }: Place): readonly Tensor[] | null {
  if (node.inputs.length === 0) return null;
  const inputs = node.inputs.map((name) => (name === '' ? null : constant(name)));
  return inputs.every((data, i) => data !== null || node.inputs[i] === '') ? evaluate(node, inputs) : null;
}
