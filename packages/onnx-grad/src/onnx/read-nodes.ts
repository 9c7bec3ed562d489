/** Reads the nodes of a file. Constant nodes become tensors; all other nodes are sorted, converted and typed later. */

import { isComposite } from '../composites/table.ts';
import { GraphError } from '../errors.ts';
import { type Tensor, tensor } from '../graph/tensor.ts';
import { UniqueNames } from '../graph/unique-names.ts';
import { isOp } from '../ops/table.ts';
import { type FileNode, nodeText } from './file-node.ts';
import { AttributeProto_AttributeType as AttributeType, type NodeProto } from './generated/onnx_pb.ts';
import { readTensor } from './proto-tensor.ts';

/** The result of reading one node: the tensor of a Constant, or a node that is typed later. */
export type ReadNode =
  | { readonly constant: string; readonly data: Tensor; readonly text: string }
  | { readonly constant: null; readonly node: FileNode };

/** Advice on replacing each op that contains subgraphs. */
export const CONTROL_FLOW: { readonly [op: string]: string } = {
  If:
    'compute both branches and choose with Where (in Python torch.where), or, if the condition ' +
    'does not depend on data, decide before the export',
  Loop:
    'unroll it (in Python a for loop over a fixed range, traced with torch.onnx.export and not ' +
    'scripted), or write it as one operation over an axis',
  Scan: 'unroll it (in Python a for loop over a fixed range), or write it as one operation over an axis',
};

const RECURRENT = { GRU: true, LSTM: true, RNN: true };
/** Advice on replacing a recurrent layer. */
const QUANTISED = /Quantize|QLinear|Integer$/;
const FLOAT = ': import the float model, not a quantised one';
const UNROLL =
  'call its cell in a loop over a fixed length (in Python nn.GRUCell or nn.LSTMCell in a for loop, with the weights ' +
  'of the layer), which is exported as MatMul, Sigmoid and Tanh';

/** The names of the values that a node's branches read from outside the branches. */
function capturedBy(proto: NodeProto): string[] {
  const captured = new Set<string>();
  for (const { g } of proto.attribute) {
    if (!g) continue;
    const own = new Set([...g.initializer.map(({ name }) => name), ...g.input.map(({ name }) => name)]);
    for (const inner of g.node) {
      for (const name of [...inner.input, ...capturedBy(inner)]) if (name !== '' && !own.has(name)) captured.add(name);
      for (const name of inner.output) own.add(name);
    }
    for (const { name } of g.output) if (!own.has(name)) captured.add(name);
  }
  return [...captured];
}

/**
 * Reads one node. An op from another domain, an op that is not in the table, or a subgraph causes a GraphError that
 * names the op and the node.
 */
export function readNode(proto: NodeProto, opset: number): ReadNode {
  const node: FileNode = {
    op: proto.opType,
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Map(proto.attribute.map((attribute) => [attribute.name, attribute])),
    opset,
  };
  const where = nodeText(node);
  if (proto.domain !== '' && proto.domain !== 'ai.onnx') {
    throw new GraphError(
      `${where} belongs to the domain "${proto.domain}", but only ONNX's own ops are supported: export the model without this op`,
    );
  }
  // the condition may be known later, so the node is kept; values that the branches read must precede the node
  if (node.op === 'If') return { constant: null, node: { ...node, inputs: [...node.inputs, ...capturedBy(proto)] } };
  if (Object.hasOwn(RECURRENT, node.op))
    throw new GraphError(`${where}: the op ${node.op} is not supported: ${UNROLL}`);
  if (Object.hasOwn(CONTROL_FLOW, node.op))
    throw new GraphError(`${where} is control flow, which is not supported: ${CONTROL_FLOW[node.op]}`);
  for (const { name, type } of proto.attribute) {
    if (type === AttributeType.GRAPH || type === AttributeType.GRAPHS) {
      throw new GraphError(
        `${where} contains a subgraph (attribute "${name}"), which is not supported: export the model without ` +
          'control flow, with Where instead of a condition and loops unrolled',
      );
    }
  }
  if (node.attributes.size < proto.attribute.length) throw new GraphError(`${where} repeats an attribute`);
  if (node.op === 'Constant') return readConstant(node, where);
  if (!isOp(node.op) && !isComposite(node.op))
    throw new GraphError(`${where}: the op ${node.op || '""'} is not supported${QUANTISED.test(node.op) ? FLOAT : ''}`);
  if (node.outputs.every((output) => output === '')) throw new GraphError(`${where} has no output with a name`);
  return { constant: null, node };
}

/** Returns a unique name for each node, in order: its name from the file, or a name derived from its op. */
export function nodeNames(nodes: readonly FileNode[]): string[] {
  const given = new Set(nodes.map((node) => node.name));
  const used = new Set<string>();
  const names = new UniqueNames();
  return nodes.map((node) => {
    // a node keeps its name from the file unless an earlier node has the same name
    const name = names.give(node.name || node.op, (each) => used.has(each) || (each !== node.name && given.has(each)));
    used.add(name);
    return name;
  });
}

function readConstant(node: FileNode, where: string): ReadNode {
  const [name] = node.outputs;
  if (node.outputs.length !== 1 || name === undefined || name === '')
    throw new GraphError(`${where} has ${node.outputs.length} outputs, but needs exactly one, with a name`);
  const [attribute] = node.attributes.values();
  if (node.attributes.size !== 1 || !attribute)
    throw new GraphError(`${where} has ${node.attributes.size} attributes, but needs exactly one`);
  const text = `Constant "${name}"`;
  const give = (data: Tensor): ReadNode => ({ constant: name, data, text });
  switch (attribute.name) {
    case 'value':
      if (!attribute.t) throw new GraphError(`${text} contains no tensor`);
      return give(readTensor(attribute.t, text));
    case 'value_float':
      return give(tensor('float32', [], [attribute.f]));
    case 'value_floats':
      return give(tensor('float32', [attribute.floats.length], attribute.floats));
    case 'value_int':
      return give({ dtype: 'int64', shape: [], data: BigInt64Array.of(attribute.i) });
    case 'value_ints':
      return give({ dtype: 'int64', shape: [attribute.ints.length], data: BigInt64Array.from(attribute.ints) });
    default:
      throw new GraphError(
        `${text} has the attribute "${attribute.name}", which is not supported; only numbers are supported`,
      );
  }
}
