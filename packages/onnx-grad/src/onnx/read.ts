/** Reads ONNX files (opsets 13 to 21) into typed, sorted graphs of opset 18. */
import { runningStatistics } from '../composites/normalizations.ts';
import { GraphError } from '../errors.ts';
import { Builder } from '../graph/builder.ts';
import type { Graph } from '../graph/ir.ts';
import { nameDims } from '../graph/name-dims.ts';
import type { Dim, Tensor } from '../graph/tensor.ts';
import { withoutBagLoops } from '../rewrite/embedding-bag.ts';
import { addNodes } from './add-nodes.ts';
import { NEWEST_OPSET, OLDEST_OPSET } from './convert-opset.ts';
import { type ExternalFiles, embedExternalData } from './external-data.ts';
import { type FileNode, nodeText } from './file-node.ts';
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from './generated/onnx_pb.ts';
import { type FileOp, inlineFunctions } from './inline-functions.ts';
import { parseModel } from './parse-model.ts';
import { readTensor } from './proto-tensor.ts';
import { checkDeclared, type DeclaredType, readType } from './proto-types.ts';
import { readNode } from './read-nodes.ts';
import { sortNodes } from './sort-nodes.ts';

/**
 * The supported IR versions, from the first version with opsets per domain to the newest version in the protobuf
 * definitions.
 */
const OLDEST_IR = 3n;
const NEWEST_IR = 13n;

interface ReadOptions {
  /** Provides data that is stored in other files. Without this option, models with such data are rejected. */
  readonly external?: ExternalFiles;
  /**
   * Whether large tensors reuse the memory of `bytes`, so that the model is not in memory twice. If so, `bytes` is no
   * longer a valid file afterwards. Default: false.
   */
  readonly inPlace?: boolean;
}

/**
 * Reads an ONNX file as a graph. Values keep their names, and so do nodes with unique names. Constant nodes become
 * constants; all other nodes are converted to opset 18 and typed one by one. The inferred types of the outputs must
 * match the types that the file declares. If a file cannot be read exactly, a GraphError names the node or the value.
 * The sizes given in a file are checked before memory is allocated.
 */
export function readModel(bytes: Uint8Array, { external, inPlace = false }: ReadOptions = {}): Graph {
  const model = parseModel(bytes);
  const { graph } = model;
  if (!graph) throw new GraphError('the file contains no graph: it is not an ONNX model');
  const opset = checkModel(model);
  if (external) embedExternalData(model, external);
  const merged = mergedInitializers(model);
  const ops = withoutBagLoops(inlineFunctions(model, opset, opsetOf));
  return readGraph(
    graph,
    ops.filter(({ proto }) => !isMerged(proto, merged)),
    merged,
    inPlace,
  );
}

/** Returns the opset of the model. An unsupported IR version or opset causes a GraphError. */
function checkModel(model: ModelProto): number {
  if (model.irVersion < OLDEST_IR || model.irVersion > NEWEST_IR)
    throw new GraphError(`the file has IR version ${model.irVersion}; ${OLDEST_IR} to ${NEWEST_IR} are supported`);
  const opset = opsetOf(model.opsetImport, 'the model');
  if (opset === null) throw new GraphError('the model does not declare its opset');
  return opset;
}

/** The opset of the standard ONNX domain that a model or function imports; null if the domain is not imported. */
function opsetOf(imports: ModelProto['opsetImport'], where: string): number | null {
  const versions = new Set(
    imports.filter(({ domain }) => domain === '' || domain === 'ai.onnx').map(({ version }) => version),
  );
  const [opset] = versions;
  if (opset === undefined) return null;
  if (versions.size > 1) throw new GraphError(`${where} names ${versions.size} opsets: ${[...versions].join(', ')}`);
  if (opset < BigInt(OLDEST_OPSET) || opset > BigInt(NEWEST_OPSET)) {
    throw new GraphError(
      `${where} uses opset ${opset}: ${OLDEST_OPSET} to ${NEWEST_OPSET} are supported (export with opset_version=18)`,
    );
  }
  return Number(opset);
}

function readGraph(
  graph: GraphProto,
  ops: readonly FileOp[],
  merged: ReadonlyMap<string, string>,
  inPlace: boolean,
): Graph {
  const b = new Builder();
  const producers = new Producers();
  const parameters = readInitializers(graph, producers, inPlace);
  for (const [name, kept] of merged) {
    producers.claim(name, `initializer "${name}"`);
    parameters.set(name, copyOf(parameters.get(kept)!));
  }
  readInputs(graph, b, producers, parameters);
  const untrained = runningStatistics(ops.map(({ proto }) => proto));
  for (const [name, data] of parameters) {
    if (untrained.has(name)) b.namedConstant(name, data);
    else b.initializer(name, data);
  }

  const nodes: FileNode[] = [];
  for (const { proto, opset } of ops) {
    const read = readNode(proto, opset);
    if (read.constant === null) {
      nodes.push(read.node);
      for (const output of read.node.outputs) if (output !== '') producers.claim(output, nodeText(read.node));
    } else {
      producers.claim(read.constant, read.text);
      b.namedConstant(read.constant, read.data);
    }
  }
  for (const node of nodes) for (const input of node.inputs) producers.require(input, nodeText(node));
  // the names generated for unnamed outputs, and for attributes that become inputs (axes), must differ from all names
  // in the file
  b.reserve(producers.names());
  addNodes(b, sortNodes(nodes));
  return finish(b, graph, producers);
}

/** The producer of each value in a file. Two values with the same name cause an error. */
class Producers {
  private readonly texts = new Map<string, string>();

  claim(name: string, text: string): void {
    if (name === '') throw new GraphError(`${text} has no name`);
    const other = this.texts.get(name);
    if (other !== undefined) throw new GraphError(`two values are called "${name}": ${other} and ${text}`);
    this.texts.set(name, text);
  }

  require(name: string, text: string): void {
    if (name !== '' && !this.texts.has(name)) throw new GraphError(`${text} needs "${name}", which nothing produces`);
  }

  names(): Iterable<string> {
    return this.texts.keys();
  }
}

function readInitializers(graph: GraphProto, producers: Producers, inPlace: boolean): Map<string, Tensor> {
  if (graph.sparseInitializer.length > 0) {
    const name = graph.sparseInitializer[0]!.values?.name ?? '';
    throw new GraphError(`initializer "${name}" is sparse, which is not supported: make it dense before the export`);
  }
  const parameters = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    const text = `initializer "${proto.name}"`;
    producers.claim(proto.name, text);
    parameters.set(proto.name, readTensor(proto, text, inPlace));
  }
  return parameters;
}

function copyOf(source: Tensor): Tensor {
  return { ...source, data: source.data.slice() };
}

/** Declares the inputs. An input that is also an initializer (in IR versions before 4) is a parameter. */
function readInputs(
  graph: GraphProto,
  b: Builder,
  producers: Producers,
  parameters: ReadonlyMap<string, Tensor>,
): void {
  const types = new Map<string, DeclaredType>();
  for (const info of graph.input) {
    const text = `input "${info.name}"`;
    const type = readType(info, text);
    const parameter = parameters.get(info.name);
    if (types.has(info.name)) throw new GraphError(`two inputs are called "${info.name}"`);
    if (parameter) checkDeclared(type, parameter, text);
    else producers.claim(info.name, text);
    types.set(info.name, type);
  }
  const named = new Set([...types.values()].flatMap(({ shape }) => shape ?? []));
  let next = 0;
  const freshDim = (): string => {
    while (named.has(`d${next}`)) next++;
    return `d${next++}`;
  };
  for (const [name, { dtype, shape }] of types) {
    if (parameters.has(name)) continue;
    if (dtype === null || shape === null)
      throw new GraphError(`input "${name}" is declared without ${dtype === null ? 'a type' : 'a shape'}`);
    b.input(
      name,
      dtype,
      shape.map((dim) => dim ?? freshDim()),
    );
  }
}

function finish(b: Builder, graph: GraphProto, producers: Producers): Graph {
  const declared = new Map<string, DeclaredType>();
  // a file need not declare the types of intermediate values; if it does, only the names of sizes are used
  for (const info of graph.valueInfo) declared.set(info.name, readHint(info));
  const outputs = new Set<string>();
  for (const info of graph.output) {
    const text = `output "${info.name}"`;
    if (outputs.has(info.name)) throw new GraphError(`two outputs are called "${info.name}"`);
    producers.require(info.name, 'the graph');
    const type = readType(info, text);
    checkDeclared(type, b.get(info.name), text);
    declared.set(info.name, type);
    outputs.add(info.name);
  }
  if (outputs.size === 0) throw new GraphError('the graph has no output');
  return nameDims(
    b.build(
      graph.name,
      [...outputs].map((name) => b.get(name)),
    ),
    declared,
  );
}

/** The declared type of a value, reduced to the names of sizes. All other parts of the type are null. */
function readHint(info: ValueInfoProto): DeclaredType {
  const type = info.type?.value;
  if (type?.case !== 'tensorType' || !type.value.shape) return { dtype: null, shape: null };
  const shape = type.value.shape.dim.map(({ value: dim }): Dim | null => (dim.case === 'dimParam' ? dim.value : null));
  return { dtype: null, shape };
}

/**
 * Maps the name of a merged initializer to the name of the initializer that was kept. If several parameters or buffers
 * have equal values, such as the ones and zeros of untrained normalisations, `torch.onnx.export` keeps only one
 * initializer. It writes every other parameter as an Identity of this initializer; the Identity's output has the
 * parameter's name in PyTorch. For training, the initializers must be separate again. Identity nodes that are part of
 * the model have output names that begin with "/".
 */
function mergedInitializers({ producerName, graph }: ModelProto): ReadonlyMap<string, string> {
  if (producerName !== 'pytorch' || !graph) return new Map();
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const merged = new Map<string, string>();
  for (const { opType, input, output } of graph.node) {
    const [kept, name] = [input[0], output[0]];
    if (opType !== 'Identity' || kept === undefined || name === undefined || name === '') continue;
    if (initializers.has(kept) && !name.startsWith('/') && !outputs.has(name)) merged.set(name, kept);
  }
  return merged;
}

/** Whether a node is the Identity that replaced a merged initializer. */
function isMerged({ opType, output }: NodeProto, merged: ReadonlyMap<string, string>): boolean {
  return opType === 'Identity' && output[0] !== undefined && merged.has(output[0]);
}
