/** Makes one Gemm of a matrix product and what is added to it, and takes transposes of matrices into it. */
import type { Dim, Graph, Node, Shape } from '../ir.ts';
import { sameShape } from '../ir.ts';
import { type Place, type Rule, rewrite } from './rewrite.ts';

/** A B + C -> Gemm(A, B, C), and Gemm(A^T, B) -> Gemm(A, B) with transA. Sums are rounded in another order. */
export function fuseGemm(graph: Graph): Graph {
  const shapeOf = (name: string): Shape => graph.values.get(name)!.shape;
  return rewrite(graph, (place) => {
    if (place.node.op === 'Add') return fuseAdd(place, shapeOf);
    return place.node.op === 'Gemm' ? takeTransposes(place) : null;
  });
}

function fuseAdd(
  { b, node, inputs, giver, value, isOnlyUsedOnce }: Place,
  shapeOf: (name: string) => Shape,
): ReturnType<Rule> {
  const product = [0, 1].find((i) => {
    const name = node.inputs[i]!;
    const before = giver(name);
    return (
      before?.op === 'MatMul' &&
      before.inputs.every((input) => shapeOf(input).length === 2) &&
      isOnlyUsedOnce(name) &&
      sameShape(shapeOf(name), shapeOf(node.outputs[0]!)) &&
      fits(shapeOf(node.inputs[1 - i]!), shapeOf(name))
    );
  });
  if (product === undefined) return null;
  const [left, right] = giver(node.inputs[product]!)!.inputs;
  const operands = [value(left!), value(right!), inputs[1 - product]!];
  return [b.add('Gemm', operands, {}, { name: node.name, outputs: node.outputs })];
}

/** True where a value of shape `c` surely broadcasts to a matrix of shape `to`. */
function fits(c: Shape, to: Shape): boolean {
  const offset = to.length - c.length;
  return offset >= 0 && c.every((size: Dim, i) => size === 1 || size === to[offset + i]);
}

function takeTransposes({ b, node, inputs, giver, value }: Place): ReturnType<Rule> {
  const { transA = 0, transB = 0, ...others } = (node as Node<'Gemm'>).attributes;
  const flips = [transA, transB];
  const operands = [...inputs];
  for (const i of [0, 1]) {
    const before = giver(node.inputs[i]!);
    if (before?.op !== 'Transpose') continue;
    operands[i] = value(before.inputs[0]!);
    flips[i] = 1 - flips[i]!;
  }
  if (operands.every((operand, i) => operand === inputs[i])) return null;
  const attributes = { ...others, ...(flips[0] ? { transA: 1 } : {}), ...(flips[1] ? { transB: 1 } : {}) };
  return [b.add('Gemm', operands, attributes, { name: node.name, outputs: node.outputs })];
}
