/** Cancels moves that undo each other: chains of Transpose, and of Reshape, Squeeze, Unsqueeze and Flatten. */
import { type Graph, type Node, sameShape } from '../ir.ts';
import type { OpType } from '../ops/attributes.ts';
import { knownNumbers } from '../ops/dims.ts';
import { type Place, type Rule, rewrite } from './rewrite.ts';

/** Ops that keep the elements and their order. */
const RESHAPES: ReadonlySet<OpType> = new Set<OpType>(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity']);

/** `graph` with one Transpose in the place of two, one Reshape in the place of several, and none where they cancel. */
export function cancelMoves(graph: Graph): Graph {
  const onReshape = cancelReshapes(graph);
  return rewrite(graph, (place) => {
    if (place.node.op === 'Transpose') return cancelTransposes(place);
    return RESHAPES.has(place.node.op) && place.node.op !== 'Identity' ? onReshape(place) : null;
  });
}

/** Axis k of the result is axis outer[k] of the middle, which is axis inner[outer[k]] of the first. */
function cancelTransposes({ b, node, giver, value }: Place): ReturnType<Rule> {
  const outer = (node as Node<'Transpose'>).attributes.perm;
  const before = giver(node.inputs[0]!);
  const inner = before?.op === 'Transpose' ? (before as Node<'Transpose'>).attributes.perm : null;
  const source = value(inner && before ? before.inputs[0]! : node.inputs[0]!);
  const perm = inner ? outer.map((axis) => inner[axis]!) : outer;
  if (perm.every((axis, i) => axis === i)) return [source];
  return inner ? [b.add('Transpose', [source], { perm }, { name: node.name, outputs: node.outputs })] : null;
}

function cancelReshapes(graph: Graph): Rule {
  return ({ b, node, inputs, giver, value }) => {
    const { shape } = graph.values.get(node.outputs[0]!)!;
    let first = node.inputs[0]!;
    let same = sameShape(graph.values.get(first)!.shape, shape) ? first : null;
    for (let before = giver(first); before && RESHAPES.has(before.op); before = giver(first)) {
      first = before.inputs[0]!;
      if (sameShape(graph.values.get(first)!.shape, shape)) same = first;
    }
    if (same !== null) return [value(same)];
    if (first === node.inputs[0]! || !canSkip(node, inputs[1] && knownNumbers(inputs[1]))) return null;
    const reshape = node as Node<'Reshape'>;
    const names = { name: node.name, outputs: node.outputs };
    return [b.add('Reshape', [value(first), inputs[1]!], reshape.attributes, names)];
  };
}

/** A Reshape whose shape does not look at the shape that it is given: a 0 may copy from there. */
function canSkip({ op, attributes }: Node, sizes: readonly number[] | null | undefined): boolean {
  if (op !== 'Reshape') return false;
  const { allowzero = 0 } = attributes as Node<'Reshape'>['attributes'];
  return allowzero !== 0 || (sizes?.every((size) => size !== 0) ?? false);
}
