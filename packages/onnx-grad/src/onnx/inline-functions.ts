/**
 * Replaces each call to a function defined in the file with the function's nodes. Newer exporters write such functions.
 */
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../errors.ts';
import { UniqueNames } from '../graph/unique-names.ts';
import { nodeText } from './file-node.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
} from './generated/onnx_pb.ts';

/**
 * Maximum number of nodes after inlining. Without a limit, a short chain of functions, each of which calls the next one
 * twice, would exhaust memory.
 */
const MAXIMUM_NODES = 100_000;
const MAXIMUM_DEPTH = 64;

/** A node of a file with its opset, because a function's opset may differ from the model's. */
export interface FileOp {
  readonly proto: NodeProto;
  readonly opset: number;
}

/**
 * Returns the nodes of the model's graph with all function calls, including nested calls, replaced by the nodes of the
 * functions. `opset` is the opset of the model; `opsetOf` returns the opset of a function. Values and nodes of a
 * function get the name of the call as a prefix, as in `layer/relu`. A function that is never called is ignored. A
 * function that calls itself causes a GraphError.
 */
export function inlineFunctions(
  model: ModelProto,
  opset: number,
  opsetOf: (imports: FunctionProto['opsetImport'], where: string) => number | null,
): FileOp[] {
  const graph = model.graph!;
  const functions = new Map<string, FunctionProto>();
  for (const definition of model.functions) {
    const key = keyOf(definition.domain, definition.name, definition.overload);
    if (functions.has(key)) throw new GraphError(`two functions of the model are called "${textOf(definition)}"`);
    functions.set(key, definition);
  }
  if (functions.size === 0) return graph.node.map((proto) => ({ proto, opset }));
  const names = new Names([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const inlined: FileOp[] = [];
  let calls = 0;

  const visit = (proto: NodeProto, its: number, path: readonly FunctionProto[]): void => {
    if (++calls > MAXIMUM_NODES)
      throw new GraphError(`the functions of the model expand to more than ${MAXIMUM_NODES} nodes`);
    const definition = functions.get(keyOf(proto.domain, proto.opType, proto.overload));
    if (!definition) {
      inlined.push({ proto, opset: its });
      return;
    }
    const inner = [...path, definition];
    if (path.includes(definition))
      throw new GraphError(`a function of the model calls itself: ${inner.map(textOf).join(' -> ')}`);
    if (inner.length > MAXIMUM_DEPTH)
      throw new GraphError(`function calls in the model are nested more than ${MAXIMUM_DEPTH} deep`);
    const own = opsetOf(definition.opsetImport, `the function "${textOf(definition)}"`) ?? its;
    for (const node of bodyOf(definition, proto, names)) visit(node, own, inner);
  };
  for (const proto of graph.node) visit(proto, opset, []);
  return inlined;
}

/** Returns the nodes of the function `definition`, with the inputs, outputs and attributes of `call` filled in. */
function bodyOf(definition: FunctionProto, call: NodeProto, names: Names): NodeProto[] {
  const where = nodeText({ op: call.opType, name: call.name, outputs: call.output });
  const { input, output } = definition;
  if (call.input.length > input.length)
    throw new GraphError(`${where} has ${call.input.length} inputs, but its function takes ${input.length}`);
  if (call.output.length > output.length)
    throw new GraphError(`${where} has ${call.output.length} outputs, but its function returns ${output.length}`);
  const prefix = call.name === '' ? definition.name : call.name;
  const values = new Map<string, string>([['', '']]);
  input.forEach((name, i) => {
    values.set(name, call.input[i] ?? '');
  });
  const copies: NodeProto[] = [];
  output.forEach((name, i) => {
    const given = call.output[i] ?? '';
    const known = values.get(name);
    if (known === undefined) values.set(name, given === '' ? names.give(`${prefix}/${name}`) : given);
    // this output of the function is also an input or an earlier output of the function
    else if (given !== '')
      copies.push(create(NodeProtoSchema, { opType: 'Identity', input: [known], output: [given] }));
  });
  // functions with an If are rejected, because the branches would still use the old names of the values
  const branch = definition.node.find(({ opType }) => opType === 'If');
  if (branch)
    throw new GraphError(
      `${where} calls a function with control flow (If node "${branch.name}"), which is not supported: export the model without functions`,
    );
  const attributes = attributesOf(definition, call, where);
  const named = (name: string): string => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const fresh = names.give(`${prefix}/${name}`);
    values.set(name, fresh);
    return fresh;
  };
  const nodes = definition.node.map((node) =>
    // a new protobuf message is created, because a plain copy would lack the fields that are not set
    Object.assign(create(NodeProtoSchema), node, {
      name: `${prefix}/${node.name === '' ? node.opType : node.name}`,
      input: node.input.map(named),
      output: node.output.map(named),
      attribute: node.attribute.flatMap((attribute) => resolved(attribute, attributes)),
    }),
  );
  return [...nodes, ...copies];
}

/** The values of a function's attributes. Attributes that are missing from the call have their default values. */
function attributesOf(definition: FunctionProto, call: NodeProto, where: string): ReadonlyMap<string, AttributeProto> {
  const attributes = new Map(definition.attributeProto.map((attribute) => [attribute.name, attribute]));
  const taken = new Set([...definition.attribute, ...attributes.keys()]);
  for (const attribute of call.attribute) {
    if (!taken.has(attribute.name))
      throw new GraphError(`${where} has the attribute "${attribute.name}", which its function does not take`);
    attributes.set(attribute.name, attribute);
  }
  return attributes;
}

/**
 * Replaces a reference to a function's attribute with the attribute's value. If there is no value, the attribute is
 * omitted.
 */
function resolved(attribute: AttributeProto, given: ReadonlyMap<string, AttributeProto>): AttributeProto[] {
  if (attribute.refAttrName === '') return [attribute];
  const value = given.get(attribute.refAttrName);
  return value ? [Object.assign(create(AttributeProtoSchema), value, { name: attribute.name })] : [];
}

/** Creates names that no value in the file uses. */
class Names {
  private readonly taken: Set<string>;
  private readonly names = new UniqueNames();

  constructor(taken: readonly string[]) {
    this.taken = new Set(taken);
  }

  give(base: string): string {
    const name = this.names.give(base, (each) => this.taken.has(each));
    this.taken.add(name);
    return name;
  }
}

/**
 * The key of a function: its domain, name and overload. The standard ONNX domain has two names, which produce the same
 * key.
 */
function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);
}

function textOf({ domain, name, overload }: FunctionProto): string {
  return `${domain === '' ? '' : `${domain}.`}${name}${overload === '' ? '' : `:${overload}`}`;
}
