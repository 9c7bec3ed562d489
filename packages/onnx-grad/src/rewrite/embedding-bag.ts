/**
 * Replaces the Loop that PyTorch exports for nn.EmbeddingBag. Each iteration of the Loop slices, looks up and reduces
 * one bag.
 */
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../errors.ts';
import { numbersOf } from '../graph/tensor.ts';
import { UniqueNames } from '../graph/unique-names.ts';
import { type GraphProto, type NodeProto, NodeProtoSchema, TensorProtoSchema } from '../onnx/generated/onnx_pb.ts';
import type { FileOp } from '../onnx/inline-functions.ts';
import { intAttribute, intsAttribute, tensorAttribute } from '../onnx/proto-attributes.ts';
import { FILE_TYPES, readTensor } from '../onnx/proto-tensor.ts';

/** The first opset in which every Reduce* op takes its axes as an input. ReduceSum has done so since opset 13. */
const AXES_AS_INPUT = 18;

/**
 * Returns `ops` with each Loop of an EmbeddingBag replaced by a `Gather` of the ids `[batch, length]` and a Reduce over
 * their second axis. A Loop is only replaced if every node matches; all other Loops stay unchanged. If the bags are not
 * the rows of a matrix, a GraphError names the node, because shapes then do not show which row an id is in.
 */
export function withoutBagLoops(ops: readonly FileOp[]): readonly FileOp[] {
  if (!ops.some(({ proto }) => proto.opType === 'Loop')) return ops;
  const outer = new Scope(ops.map(({ proto }) => proto));
  return ops.flatMap((op) => {
    const { proto, opset } = op;
    const bag = proto.opType === 'Loop' ? findBag(proto, outer) : null;
    if (!bag) return [op];
    return nodesOf(bag, proto.output[0]!, proto.name, opset, outer).map((node) => ({ proto: node, opset }));
  });
}

/** Maximum number of consecutive Casts and Identities that `find` skips. */
const MAXIMUM_HOPS = 8;

/** An EmbeddingBag found in a Loop. `table`, `ids` and `weights` are names of values. */
interface Bag {
  readonly table: string;
  /** `[batch, length]` */
  readonly ids: string;
  /** The factors of the looked-up rows (`per_sample_weights`), `[batch, length]`, or null. */
  readonly weights: string | null;
  readonly reduce: 'ReduceSum' | 'ReduceMean' | 'ReduceMax';
}

/** Finds the nodes of a graph, and of the graph that contains it, by their outputs. */
class Scope {
  private readonly producers = new Map<string, NodeProto>();
  private readonly outer: Scope | null;

  constructor(nodes: readonly NodeProto[], outer: Scope | null = null) {
    this.outer = outer;
    for (const node of nodes) for (const name of node.output) this.producers.set(name, node);
  }

  /** Returns the node that outputs `name` if its op is one of `ops`, otherwise null. Skips Cast and Identity. */
  find(name: string | undefined, ...ops: readonly string[]): NodeProto | null {
    let at = name;
    // the number of steps is limited, because a file may contain cycles
    for (let hops = 0; at !== undefined && hops < MAXIMUM_HOPS; hops++) {
      const node: NodeProto | undefined = this.producers.get(at) ?? this.outer?.producers.get(at);
      if (!node) return null;
      if (ops.includes(node.opType)) return node;
      if (node.opType !== 'Cast' && node.opType !== 'Identity') return null;
      at = node.input[0];
    }
    return null;
  }

  /** Returns the element of a constant with one element, otherwise null. */
  numberOf(name: string | undefined): number | null {
    const t = this.find(name, 'Constant')?.attribute[0]?.t;
    const numbers = t ? numbersOf(readTensor(t, `Constant "${name}"`)) : [];
    return numbers.length === 1 ? numbers[0]! : null;
  }

  is(name: string | undefined, value: number): boolean {
    return this.numberOf(name) === value;
  }

  has(name: string): boolean {
    return this.producers.has(name);
  }
}

function findBag(loop: NodeProto, outer: Scope): Bag | null {
  const body = loop.attribute.find(({ name }) => name === 'body')?.g;
  // the Loop of an EmbeddingBag passes no values from one iteration to the next, and ends after the last bag
  if (
    !body ||
    loop.input.length !== 2 ||
    loop.output.length !== 1 ||
    body.input.length !== 2 ||
    body.output.length !== 2
  )
    return null;
  const inner = new Scope(body.node, outer);
  if (!outer.is(loop.input[1], 1) || !inner.is(body.output[0]!.name, 1)) return null;

  const reduce = inner.find(body.output[1]!.name, 'ReduceSum', 'ReduceMean', 'ReduceMax');
  if (!reduce || !reducesFirstAxis(reduce, inner)) return null;
  const weighted = inner.find(reduce.input[0], 'Mul');
  const rows = inner.find(weighted ? weighted.input[0] : reduce.input[0], 'Gather');
  if (!rows || intOf(rows, 'axis', 0) !== 0) return null;
  const taken = inner.find(rows.input[1], 'Slice');
  const ids = taken && bagOf(taken, loop, body, inner, outer);
  if (!ids) return null;
  let weights: string | null = null;
  if (weighted) {
    const column = inner.find(weighted.input[1], 'Unsqueeze');
    const weight = column && inner.is(column.input[1], 1) ? inner.find(column.input[0], 'Slice') : null;
    if (!weight || weight.input[1] !== taken.input[1] || weight.input[2] !== taken.input[2]) return null;
    if (!inner.is(weight.input[3], 0)) return null;
    weights = flattened(weight.input[0], outer);
    if (weights === null) return null;
  }
  return { table: rows.input[0]!, ids, weights, reduce: reduce.opType as Bag['reduce'] };
}

function reducesFirstAxis(reduce: NodeProto, scope: Scope): boolean {
  const axes = reduce.attribute.find(({ name }) => name === 'axes')?.ints;
  const first = axes ? axes.length === 1 && axes[0] === 0n : scope.is(reduce.input[1], 0);
  return first && intOf(reduce, 'keepdims', 1) === 0;
}

/** Returns the matrix of ids, `[batch, length]`, if the body reads row `i` in iteration `i`, otherwise null. */
function bagOf(taken: NodeProto, loop: NodeProto, body: GraphProto, inner: Scope, outer: Scope): string | null {
  const round = body.input[0]!.name;
  const bound = (name: string | undefined): string | undefined => {
    const unsqueezed = inner.find(name, 'Unsqueeze');
    const gathered = unsqueezed && inner.is(unsqueezed.input[1], 0) ? inner.find(unsqueezed.input[0], 'Gather') : null;
    return gathered && gathered.input[1] === round && intOf(gathered, 'axis', 0) === 0 ? gathered.input[0] : undefined;
  };
  const [starts, ends] = [bound(taken.input[1]), bound(taken.input[2])];
  const stepOfOne = taken.input[4] === undefined || inner.is(taken.input[4], 1);
  if (starts === undefined || ends === undefined || !inner.is(taken.input[3], 0) || !stepOfOne) return null;

  // the ends must equal the starts without the first start, and the number of iterations must equal the number of ends
  const later = outer.find(ends, 'Slice');
  const offsets = outer.find(starts, 'Concat');
  const isChain = later && offsets && later.input[0] === starts && cutsFirst(later, outer);
  if (!isChain || sizeOf(loop.input[0], 0, outer) !== ends) throw withOffsets(loop);

  // the starts must be 0, length, 2 * length, .. in the flattened ids
  const ids = flattened(taken.input[0], outer);
  const range = outer.find(offsets.input[0], 'Range');
  const all = outer.find(offsets.input[1], 'Unsqueeze');
  const isFixed =
    offsets.input.length === 2 &&
    range &&
    outer.is(range.input[0], 0) &&
    sizeOf(range.input[2], 1, outer) === ids &&
    isCountOf(ids, range.input[1], outer) &&
    sizeOf(all?.input[0], 0, outer) === taken.input[0];
  if (!isFixed) throw withOffsets(loop);
  return ids;
}

function withOffsets({ opType, name }: NodeProto): GraphError {
  return new GraphError(
    `${opType} node "${name}" is an nn.EmbeddingBag with offsets, which is not supported: pass a matrix of ids ` +
      '[batch, length] without offsets; if lists differ in length, look up with nn.Embedding and reduce with a mask',
  );
}

/** Whether `name` is the number of elements of the matrix `ids`. */
function isCountOf(ids: string | null, name: string | undefined, scope: Scope): boolean {
  const product = scope.find(name, 'ReduceProd');
  if (product) return scope.find(product.input[0], 'Shape')?.input[0] === ids;
  const sizes = scope.find(name, 'Mul')?.input ?? [];
  return (
    ids !== null && sizes.some((size, i) => sizeOf(size, 0, scope) === ids && sizeOf(sizes[1 - i], 1, scope) === ids)
  );
}

/** Whether a Slice removes exactly the first element of the first axis. */
function cutsFirst(slice: NodeProto, scope: Scope): boolean {
  const [, start, end, axis, step] = slice.input;
  const last = scope.numberOf(end);
  const toTheEnd = last !== null && last >= 2 ** 31 - 1;
  return scope.is(start, 1) && toTheEnd && scope.is(axis, 0) && (step === undefined || scope.is(step, 1));
}

/** Returns the value `x` if `name` is the size of `x` along `axis`, otherwise null. */
function sizeOf(name: string | undefined, axis: number, scope: Scope): string | null {
  const gathered = scope.find(name, 'Gather');
  if (!gathered || !scope.is(gathered.input[1], axis)) return null;
  return scope.find(gathered.input[0], 'Shape')?.input[0] ?? null;
}

/** Returns the value `x` if `name` is `x` flattened, otherwise null. */
function flattened(name: string | undefined, scope: Scope): string | null {
  const reshaped = scope.find(name, 'Reshape');
  return reshaped && scope.is(reshaped.input[1], -1) ? reshaped.input[0]! : null;
}

function nodesOf(bag: Bag, output: string, name: string, opset: number, scope: Scope): NodeProto[] {
  const nodes: NodeProto[] = [];
  const names = new UniqueNames();
  const add = (op: string, inputs: string[], out: string, attribute: NodeProto['attribute'] = []): string => {
    const given = out === output ? out : names.give(out, (each) => scope.has(each));
    nodes.push(
      create(NodeProtoSchema, { opType: op, name: name && `${name}/${op}`, input: inputs, output: [given], attribute }),
    );
    return given;
  };
  const ints = (values: number[], out: string): string => {
    const t = create(TensorProtoSchema, {
      dataType: FILE_TYPES.int64,
      dims: [BigInt(values.length)],
      int64Data: values.map(BigInt),
    });
    return add('Constant', [], out, [tensorAttribute('value', t)]);
  };
  let rows = add('Gather', [bag.table, bag.ids], `${output}/rows`, [intAttribute('axis', 0)]);
  if (bag.weights !== null) {
    const column = add('Unsqueeze', [bag.weights, ints([2], `${output}/column_axis`)], `${output}/weights`);
    rows = add('Mul', [rows, column], `${output}/weighted`);
  }
  const keep = intAttribute('keepdims', 0);
  if (bag.reduce === 'ReduceSum' || opset >= AXES_AS_INPUT)
    add(bag.reduce, [rows, ints([1], `${output}/axis`)], output, [keep]);
  else add(bag.reduce, [rows], output, [intsAttribute('axes', [1]), keep]);
  return nodes;
}

function intOf(node: NodeProto, name: string, otherwise: number): number {
  const attribute = node.attribute.find((candidate) => candidate.name === name);
  return attribute ? Number(attribute.i) : otherwise;
}
