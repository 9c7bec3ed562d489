/** Converts nodes of opsets 13 to 21 to opset 18, which the table of ops uses: one rule per op that differs. */

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

/** What a rule can look up in the graph so far. */
export interface ConversionContext {
  /** The shape of a value from an earlier node, an input or an initializer. */
  shapeOf(name: string): Shape;
  /** The elements of an int64 vector; null if they are only known at run time. */
  numbersOf(name: string): readonly number[] | null;
  /** The name of an int64 vector constant with these elements. */
  ints(values: readonly number[]): string;
}

/**
 * `node` in opset 18; returned as it is if nothing differs. A node that the table of ops cannot express is a
 * GraphError.
 */
export function convertNode(node: FileNode, context: ConversionContext): FileNode {
  return hasConversion(node.op) ? RULES[node.op]!(node, node.opset, context) : node;
}

/** Whether nodes of `op` differ between the supported opsets. */
export function hasConversion(op: string): boolean {
  return Object.hasOwn(RULES, op);
}

type Rule = (node: FileNode, opset: number, context: ConversionContext) => FileNode;

/** Before opset 18, the axes were an attribute. */
const axesToInput: Rule = (node, opset, { ints }) => {
  const axes = node.attributes.get('axes');
  if (opset >= 18 || !axes) return node;
  const values = intsOf(axes, `attribute "axes" of ${nodeText(node)}`);
  const converted = without(node, 'axes');
  // no axes and an empty list both mean all axes, so the input is omitted
  return values.length === 0 ? converted : { ...converted, inputs: [node.inputs[0] ?? '', ints(values)] };
};

const RULES: { readonly [op: string]: Rule } = {
  // `saturate` exists since opset 19, and only concerns float8
  Cast: (node) => without(node, 'saturate'),
  // a graph's Pad has no axes: ONNX Runtime 1.30 moves a Transpose through a Pad as if it padded all of them
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
  // before opset 18, a Split without sizes made as many equal parts as it has outputs
  Split: (node, opset) =>
    opset >= 18 || node.attributes.has('num_outputs') || (node.inputs[1] ?? '') !== ''
      ? node
      : withAttribute(node, intAttribute('num_outputs', node.outputs.length)),
  // without perm, the axes are reversed; in a graph it is always explicit
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
