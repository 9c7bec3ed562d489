/** Sums once over all axes where a sum is summed again, as undoing a broadcast over new axes and over axes of size 1 does. */
import type { Graph, Node, Value } from '../ir.ts';
import { reducedAxes } from '../ops/reduction.ts';
import { type Place, rewrite } from './rewrite.ts';

type Sum = Node<'ReduceSum'>;

/** `graph` with ReduceSum(ReduceSum(x)) as one ReduceSum, and one over axes of size 1 as a Squeeze or nothing. */
export function fuseSums(graph: Graph): Graph {
  return rewrite(graph, (place) =>
    place.node.op === 'ReduceSum' ? (squeeze(graph, place) ?? fuse(graph, place)) : null,
  );
}

/** The axes that a sum reduces, null where they are known at run time only. */
function axesOf(graph: Graph, { inputs, attributes }: Sum): readonly number[] | null {
  const typed = (name: string | undefined): Value | null => (name ? graph.values.get(name)! : null);
  return reducedAxes({ inputs: inputs.map(typed), attributes });
}

const keeps = ({ attributes }: Sum): boolean => (attributes.keepdims ?? 1) !== 0;

/** A sum over axes of size 1 only moves elements. */
function squeeze(graph: Graph, { b, node, inputs }: Place): readonly Value[] | null {
  const sum = node as Sum;
  const axes = axesOf(graph, sum);
  const { shape } = graph.values.get(node.inputs[0]!)!;
  if (!axes?.every((axis) => shape[axis] === 1)) return null;
  if (axes.length === 0 || keeps(sum)) return [inputs[0]!];
  return [b.add('Squeeze', [inputs[0]!, b.ints(axes)], {}, { name: node.name, outputs: node.outputs })];
}

function fuse(graph: Graph, { b, node, giver, value, isOnlyUsedOnce }: Place): readonly Value[] | null {
  const outer = node as Sum;
  const before = giver(node.inputs[0]!);
  if (before?.op !== 'ReduceSum' || !isOnlyUsedOnce(node.inputs[0]!)) return null;
  const inner = before as Sum;
  const [first, second] = [axesOf(graph, inner), axesOf(graph, outer)];
  if (first === null || second === null) return null;
  const x = value(inner.inputs[0]!);
  // axes of what is summed, by the axes of the inner sum
  const left = x.shape.map((_, i) => i).filter((i) => keeps(inner) || !first.includes(i));
  const then = second.map((axis) => left[axis]!);
  const axes = [...new Set([...first, ...then])].sort((p, q) => p - q);
  const names = { name: node.name, outputs: node.outputs };
  const whole = (keepdims: 0 | 1, options = {}) => b.add('ReduceSum', [x, b.ints(axes)], { keepdims }, options);
  if (axes.length === 0) return [x];
  if (keeps(inner) === keeps(outer)) return [whole(keeps(inner) ? 1 : 0, names)];
  const lost = keeps(inner) ? then : first;
  return lost.length === 0 ? [whole(1, names)] : [b.add('Squeeze', [whole(1), b.ints([...lost])], {}, names)];
}
