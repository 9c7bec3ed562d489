/**
 * Adds the nodes of a file to a graph. Each node is converted to opset 18 and typed. If the condition of an `If` is
 * known, the `If` is replaced by the branch that would run.
 */

import type { CompositeOp, CompositeSpec } from '../composites/spec.ts';
import { COMPOSITES, isComposite } from '../composites/table.ts';
import { GraphError } from '../errors.ts';
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';
import { UniqueNames } from '../graph/unique-names.ts';
import type { OpType } from '../ops/attributes.ts';
import { knownNumbers } from '../ops/dims.ts';
import { requireArity } from '../ops/helpers.ts';
import { type ConversionContext, convertNode } from './convert-opset.ts';
import { type FileNode, nodeText } from './file-node.ts';
import { AttributeProto_AttributeType as AttributeType, type GraphProto } from './generated/onnx_pb.ts';
import { readAttributes, readAttributesOf } from './proto-attributes.ts';
import { readTensor } from './proto-tensor.ts';
import { CONTROL_FLOW, nodeNames, readNode } from './read-nodes.ts';

/**
 * Adds `nodes`, in topological order, to `b`. All values that the nodes read from outside must already be in `b`. A
 * node that does not fit causes a GraphError.
 */
export function addNodes(b: Builder, nodes: readonly FileNode[]): void {
  const names = nodeNames(nodes);
  // parts of a composite node must not use the names of later nodes
  b.reserve(names);
  nodes.forEach((node, i) => {
    if (node.op === 'If') addBranch(b, node, names[i]!);
    else addNode(b, node, names[i]!);
  });
}

function addNode(b: Builder, node: FileNode, name: string): void {
  const context: ConversionContext = {
    shapeOf: (value) => b.get(value).shape,
    numbersOf: (value) => knownNumbers(b.get(value)),
    ints: (values) => b.ints(values).name,
  };
  const where = nodeText(node);
  const converted = convertNode(node, context);
  if (isComposite(converted.op)) {
    decompose(b, converted.op, converted, name);
    return;
  }
  const op = converted.op as OpType;
  const attributes = readAttributes(op, converted.attributes, where);
  const inputs = converted.inputs.map((input) => (input === '' ? null : b.get(input)));
  const outputs = b.addAll(op, inputs, attributes, { name, outputs: converted.outputs });
  if (converted.outputs.length > outputs.length)
    throw new GraphError(`${where} has ${converted.outputs.length} outputs, not ${outputs.length}`);
}

/**
 * Adds the branch of an `If` that would run, if types and shapes determine the condition. The nodes of the branch are
 * named `<node>/<name>`.
 */
function addBranch(b: Builder, node: FileNode, name: string): void {
  const where = nodeText(node);
  const condition = b.get(node.inputs[0]!);
  const known = b.constantOf(condition)?.data[0] ?? condition.known?.[0];
  if (known === undefined || typeof known === 'string')
    throw new GraphError(`${where} is control flow, which is not supported: ${CONTROL_FLOW['If']}`);
  const branch = branchesOf(node).get(Number(known) === 0 ? 'else_branch' : 'then_branch');
  if (!branch) throw new GraphError(`${where} lacks a branch`);
  if (branch.output.length !== node.outputs.length)
    throw new GraphError(`${where} has ${node.outputs.length} outputs, but its branch has ${branch.output.length}`);
  const own = new Map<string, Value>();
  const names = new UniqueNames();
  const resolve = (value: string) => own.get(value) ?? b.get(value);
  for (const proto of branch.initializer)
    own.set(proto.name, b.constant(readTensor(proto, `initializer "${proto.name}" of ${where}`)));
  branch.node.forEach((proto) => {
    const read = readNode(proto, node.opset);
    if (read.constant !== null) {
      own.set(read.constant, b.constant(read.data));
      return;
    }
    const inner = read.node;
    const inputs = inner.inputs.map((input) => (input === '' ? '' : resolve(input).name));
    // a branch may reuse the names of values outside it
    const outputs = inner.outputs.map((output) =>
      output === '' ? '' : names.give(`${name}/${output}`, (each) => b.has(each)),
    );
    addNodes(b, [{ ...inner, name: `${name}/${inner.name || inner.op}`, inputs, outputs }]);
    inner.outputs.forEach((output, i) => {
      if (output !== '') own.set(output, b.get(outputs[i]!));
    });
  });
  branch.output.forEach((output, i) => {
    b.add('Identity', [resolve(output.name)], {}, { name, outputs: [node.outputs[i]!] });
  });
}

function branchesOf(node: FileNode): ReadonlyMap<string, GraphProto> {
  const branches = new Map<string, GraphProto>();
  for (const [name, { type, g }] of node.attributes) if (type === AttributeType.GRAPH && g) branches.set(name, g);
  return branches;
}

/**
 * Adds to `b` the nodes that replace `node`, which has the composite op `op`. The new nodes are named `<name>/<op>`;
 * the outputs keep their names.
 * @throws GraphError naming the node if it cannot be decomposed exactly
 */
function decompose(b: Builder, op: CompositeOp, node: FileNode, name: string): void {
  const where = nodeText(node);
  const spec = COMPOSITES[op] as CompositeSpec<CompositeOp>;
  const inputs = node.inputs.map((input) => (input === '' ? null : b.get(input)));
  requireArity(inputs, spec.arity, where);
  if (node.outputs.length > spec.outputs)
    throw new GraphError(`${where} has ${node.outputs.length} outputs, not ${spec.outputs}`);
  const attributes = readAttributesOf(spec.attributes, node.attributes, where);
  try {
    b.named(`${name}/`, () =>
      spec.decompose({
        b,
        inputs,
        attributes,
        output: (i) => ({ outputs: [node.outputs[i] ?? ''] }),
        wants: (i) => (node.outputs[i] ?? '') !== '',
      }),
    );
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(`${where}: ${error.message}`, { cause: error });
  }
}
