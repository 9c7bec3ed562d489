/**
 * Restores information that an export loses: which weights are a single parameter in the model, and which rows must
 * stay 0.
 */
import type { Graph, Node, Value } from '../graph/ir.ts';
import { isFloat, type Tensor } from '../graph/tensor.ts';
import { withInterface } from '../graph/with-interface.ts';
import { rewrite } from './rewrite.ts';

/** A parameter that is a copy of another parameter, perhaps transposed. */
interface Tie {
  readonly parameter: string;
  readonly as: string;
  readonly transposed: boolean;
}

/**
 * Minimum number of distinct values in tied weights. Weights with fewer values may be equal by chance, for example
 * untrained weights that are all 0 or all 1.
 */
const LEAST_DIFFERENT = 16;
/** Matches names that exporters generate. */
const MADE_UP = /^(onnx::|val_)/;

/**
 * Finds the float parameters of `graph` that equal another parameter bit by bit, in the same shape or transposed. Such
 * copies occur because an exporter that folds a transpose writes the weight once per use. Of several equal parameters,
 * one with a name that was not generated is kept if possible, and otherwise the first parameter in the file.
 */
export function findTies(graph: Graph): Tie[] {
  const bySum = new Map<string, string[]>();
  for (const [name, data] of graph.initializers) {
    if (!isFloat(data.dtype) || !isVaried(data)) continue;
    const key = `${data.dtype} ${[...data.shape].sort((a, z) => a - z).join(' ')} ${sumOfBits(data)}`;
    bySum.set(key, [...(bySum.get(key) ?? []), name]);
  }
  const ties: Tie[] = [];
  for (const names of bySum.values()) {
    const own = [...names.filter((name) => !MADE_UP.test(name)), ...names.filter((name) => MADE_UP.test(name))];
    const kept: string[] = [];
    for (const name of own) {
      const tie = kept.map((as) => tieOf(graph, name, as)).find((found) => found !== null);
      if (tie) ties.push(tie);
      else kept.push(name);
    }
  }
  return ties;
}

/**
 * Returns `graph` with each tied parameter computed from the parameter that is kept, so that the gradients of all uses
 * add up.
 */
export function tieWeights(graph: Graph, ties: readonly Tie[]): Graph {
  if (ties.length === 0) return graph;
  return withInterface(graph, {
    inputs: (b) => {
      const made = new Map<string, Value>();
      for (const name of graph.inputs) {
        const { dtype, shape } = graph.values.get(name)!;
        made.set(name, b.input(name, dtype, shape));
      }
      for (const { as } of ties) if (!made.has(as)) made.set(as, b.initializer(as, graph.initializers.get(as)!));
      for (const { parameter, as, transposed } of ties) {
        const kept = made.get(as)!;
        const turned = { name: `${parameter}/Transpose`, outputs: [parameter] };
        made.set(parameter, transposed ? b.add('Transpose', [kept], { perm: [1, 0] }, turned) : kept);
      }
      return made;
    },
    outputs: (_, outputs) => outputs,
  });
}

/**
 * Finds the float tables that look-ups read and in which only the first row is all zeros, as with PyTorch's
 * `padding_idx=0`.
 */
export function findPaddedTables(graph: Graph): string[] {
  const tables = new Set<string>();
  for (const node of graph.nodes) if (isLookup(node)) tables.add(node.inputs[0]!);
  return [...graph.initializers.keys()].filter((name) => {
    const { dtype, shape, data } = graph.initializers.get(name)!;
    if (!tables.has(name) || !isFloat(dtype) || shape.length < 2 || shape[0]! < 2) return false;
    const width = data.length / shape[0]!;
    return data.subarray(0, width).every((x) => Number(x) === 0) && data.some((x) => Number(x) !== 0);
  });
}

/**
 * Returns `graph` changed so that look-ups of row 0 of `tables` pass on no gradient. Thus row 0, which must be 0, stays
 * 0.
 */
export function keepPaddingRows(graph: Graph, tables: readonly string[]): Graph {
  if (tables.length === 0) return graph;
  const padded = new Set(tables);
  return rewrite(graph, ({ b, node, inputs: [table, index] }) => {
    if (!isLookup(node) || !padded.has(node.inputs[0]!)) return null;
    const rows = b.add('Gather', [table!, index!], { axis: 0 });
    const isRow = b.add('Cast', [b.add('Not', [b.add('Equal', [index!, b.scalar(0, index!)])])], { to: rows.dtype });
    const behind = rows.shape.slice(index!.shape.length).map((_, i) => index!.shape.length + i);
    const mask = behind.length === 0 ? isRow : b.add('Unsqueeze', [isRow, b.ints(behind)]);
    return [b.add('Mul', [rows, mask], {}, { name: node.name, outputs: node.outputs })];
  });
}

function isLookup(node: Node): boolean {
  return node.op === 'Gather' && ((node as Node<'Gather'>).attributes.axis ?? 0) === 0;
}

function isVaried({ data }: Tensor): boolean {
  const found = new Set<number>();
  for (let i = 0; i < data.length && found.size < LEAST_DIFFERENT; i++) found.add(Number(data[i]));
  return found.size >= LEAST_DIFFERENT;
}

/** A checksum of a tensor that does not depend on the order of the elements. */
function sumOfBits(source: Tensor): number {
  const bits = bitsOf(source);
  let sum = 0;
  for (let i = 0; i < bits.length; i++) sum = (sum + Math.imul(bits[i]! ^ (bits[i]! >>> 15), 0x2c1b3c6d)) | 0;
  return sum;
}

function bitsOf({ data }: Tensor): Uint32Array {
  return new Uint32Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 4);
}

function tieOf(graph: Graph, parameter: string, as: string): Tie | null {
  const [a, z] = [graph.initializers.get(parameter)!, graph.initializers.get(as)!];
  const [bits, others] = [bitsOf(a), bitsOf(z)];
  const isSame = a.shape.length === z.shape.length && a.shape.every((size, axis) => size === z.shape[axis]);
  if (isSame && bits.every((x, i) => x === others[i])) return { parameter, as, transposed: false };
  if (a.dtype !== 'float32' || a.shape.length !== 2 || z.shape.length !== 2) return null;
  const [rows, columns] = a.shape as [number, number];
  if (z.shape[0] !== columns || z.shape[1] !== rows) return null;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) if (bits[i * columns + j] !== others[j * rows + i]) return null;
  return { parameter, as, transposed: true };
}
