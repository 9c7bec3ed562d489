/** Takes out nodes that give what they are given: Identity, a Cast to the same type, an Expand to the same shape, x * 1 (also where the 1 is expanded, as gradients begin). */
import { type Graph, numbersOf, sameShape, type Value } from '../ir.ts';
import type { OpType } from '../ops/attributes.ts';
import { knownNumbers } from '../ops/dims.ts';
import { type Place, rewrite } from './rewrite.ts';

/** `graph` without such nodes; one whose output must keep its name stays as an Identity. */
export function takeOutIdentities(graph: Graph): Graph {
  return rewrite(graph, (place) => {
    const at = passedInput(graph, place);
    return at === null ? null : [place.inputs[at]!];
  });
}

/** Ops that only repeat one element. */
const REPEATS: ReadonlySet<OpType> = new Set<OpType>(['Expand', 'Reshape', 'Squeeze', 'Tile', 'Unsqueeze']);

/** The input that the node hands on unchanged, or null. */
function passedInput(graph: Graph, { node, inputs, constant, giver }: Place): number | null {
  const typed = (name: string): Value => graph.values.get(name)!;
  const isSame = (i: number) =>
    typed(node.inputs[i]!).dtype === typed(node.outputs[0]!).dtype &&
    sameShape(typed(node.inputs[i]!).shape, typed(node.outputs[0]!).shape);
  const isOne = (i: number) => {
    let name = node.inputs[i]!;
    for (let before = giver(name); before && REPEATS.has(before.op); before = giver(name)) name = before.inputs[0]!;
    const tensor = constant(name);
    return tensor?.data.length === 1 && numbersOf(tensor)[0] === 1;
  };
  switch (node.op) {
    case 'Identity':
      return 0;
    case 'Cast':
    case 'Expand':
    case 'Tile':
      return isSame(0) ? 0 : null;
    case 'Concat':
    case 'Max':
    case 'Mean':
    case 'Min':
    case 'Sum':
      return node.inputs.length === 1 ? 0 : null;
    case 'Slice': {
      const steps = inputs[4] ? knownNumbers(inputs[4]) : [];
      return isSame(0) && steps?.every((step) => step === 1) ? 0 : null;
    }
    case 'Pad':
      return knownNumbers(inputs[1])?.every((pad) => pad === 0) ? 0 : null;
    case 'Mul':
      if (isOne(1) && isSame(0)) return 0;
      return isOne(0) && isSame(1) ? 1 : null;
    case 'Div':
      return isOne(1) && isSame(0) ? 0 : null;
    default:
      return null;
  }
}
