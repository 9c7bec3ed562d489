/**
 * Converts nodes of opsets 13 to 21 to opset 18, which the table of ops uses. There is one rule for each op that
 * differs between these opsets.
 */

import { GraphError } from '../errors.ts';
import type { Shape } from '../graph/tensor.ts';
import { normalizeAxis } from '../ops/dims.ts';
import { type FileNode, nodeText } from './file-node.ts';
import type { AttributeProto } from './generated/onnx_pb.ts';
import { intAttribute, intsAttribute, intsOf, textOf } from './proto-attributes.ts';

/** The opset of every graph in memory, and of every written file. */
export const OPSET = 18;
export const OLDEST_OPSET = 13;
export const NEWEST_OPSET = 21;

/** Facts that a conversion rule can look up in the graph built so far. */
export interface ConversionContext {
  /** Returns the shape of an input, an initializer or the output of an earlier node. */
  shapeOf(name: string): Shape;
  /** Returns the elements of an int64 vector, or null if they are only known at run time. */
  numbersOf(name: string): readonly number[] | null;
  /** Returns the name of an int64 vector constant with these elements. */
  ints(values: readonly number[]): string;
}

/**
 * Converts `node` to opset 18. A node that is the same in opset 18 is returned unchanged. A node that the table of ops
 * cannot express causes a GraphError.
 */
export function convertNode(node: FileNode, context: ConversionContext): FileNode {
  return hasConversion(node.op) ? RULES[node.op]!(node, node.opset, context) : node;
}

/** Whether nodes of `op` differ between the supported opsets. */
export function hasConversion(op: string): boolean {
  return Object.hasOwn(RULES, op);
}

type Rule = (node: FileNode, opset: number, context: ConversionContext) => FileNode;

/** Turns the `axes` attribute, which reductions had before opset 18, into an input. */
const axesToInput: Rule = (node, opset, { ints }) => {
  const axes = node.attributes.get('axes');
  if (opset >= 18 || !axes) return node;
  const values = intsOf(axes, `attribute "axes" of ${nodeText(node)}`);
  const converted = without(node, 'axes');
  // an absent attribute and an empty list both mean all axes, so the input is omitted
  return values.length === 0 ? converted : { ...converted, inputs: [node.inputs[0] ?? '', ints(values)] };
};

const RULES: { readonly [op: string]: Rule } = {
  // the attribute `saturate`, added in opset 19, only affects float8
  Cast: (node) => without(node, 'saturate'),
  // Pad nodes in a graph have no `axes`, because ONNX Runtime 1.30 moves a Transpose through a Pad as if all axes were
  // padded
  Pad: (node, _opset, { shapeOf, numbersOf, ints }) => {
    const [x = '', pads = '', fill = '', axes = ''] = node.inputs;
    if (axes === '') return node;
    const [given, padded] = [numbersOf(pads), numbersOf(axes)];
    const rank = shapeOf(x).length;
    const all = new Array<number>(2 * rank).fill(0);
    if (given === null || padded === null || given.length !== 2 * padded.length)
      throw new GraphError(`${nodeText(node)} pads some axes by numbers that are not constant: give pads for all axes`);
    padded.forEach((axis, i) => {
      const at = normalizeAxis(axis, rank);
      all[at] = given[i]!;
      all[rank + at] = given[padded.length + i]!;
    });
    return { ...node, inputs: [x, ints(all), fill] };
  },
  ReduceL1: axesToInput,
  ReduceL2: axesToInput,
  ReduceLogSum: axesToInput,
  ReduceLogSumExp: axesToInput,
  ReduceMax: axesToInput,
  ReduceMean: axesToInput,
  ReduceMin: axesToInput,
  ReduceProd: axesToInput,
  ReduceSumSquare: axesToInput,
  ScatterElements: (node) => requireText(node, 'reduction', ['none', 'add']),
  ScatterND: (node) => requireText(node, 'reduction', ['none', 'add']),
  // before opset 18, a Split without sizes produced one equal part per output
  Split: (node, opset) =>
    opset >= 18 || node.attributes.has('num_outputs') || (node.inputs[1] ?? '') !== ''
      ? node
      : withAttribute(node, intAttribute('num_outputs', node.outputs.length)),
  // a Transpose without `perm` reverses the axes; in a graph, `perm` is always explicit
  Transpose: (node, _opset, { shapeOf }) => {
    if (node.attributes.has('perm')) return node;
    const rank = shapeOf(node.inputs[0] ?? '').length;
    const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i);
    return withAttribute(node, intsAttribute('perm', reversed));
  },
};

function without(node: FileNode, name: string): FileNode {
  if (!node.attributes.has(name)) return node;
  const attributes = new Map(node.attributes);
  attributes.delete(name);
  return { ...node, attributes };
}

function withAttribute(node: FileNode, attribute: AttributeProto): FileNode {
  return { ...node, attributes: new Map(node.attributes).set(attribute.name, attribute) };
}

function requireText(node: FileNode, name: string, allowed: readonly string[]): FileNode {
  const attribute = node.attributes.get(name);
  const text = attribute && textOf(attribute);
  if (text !== undefined && !allowed.includes(text))
    throw new GraphError(`${nodeText(node)} has ${name} "${text}", but only ${allowed.join(' and ')} are supported`);
  return node;
}
