/** Prints a graph for people and for snapshots, with one line per node. */
import type { OpType } from '../ops/attributes.ts';
import type { Graph, Node, Value } from './ir.ts';
import type { Tensor } from './tensor.ts';
import { isFloat, numbersOf, typeText } from './tensor.ts';

/** Maximum number of elements of a constant that is printed inline. Larger constants are listed with their types. */
const INLINE_ELEMENTS = 8;

/** ONNX's names for inputs whose meaning is not clear from their position. */
const INPUT_NAMES: { readonly [K in OpType]?: readonly string[] } = {
  Clip: ['', 'min', 'max'],
  CumSum: ['', 'axis'],
  Expand: ['', 'shape'],
  GatherElements: ['', 'indices'],
  GatherND: ['', 'indices'],
  OneHot: ['', 'depth', 'values'],
  Pad: ['', 'pads', 'fill'],
  ReduceL1: ['', 'axes'],
  ReduceL2: ['', 'axes'],
  ReduceLogSumExp: ['', 'axes'],
  ReduceMax: ['', 'axes'],
  ReduceMean: ['', 'axes'],
  ReduceMin: ['', 'axes'],
  ReduceProd: ['', 'axes'],
  ReduceSum: ['', 'axes'],
  ReduceSumSquare: ['', 'axes'],
  Reshape: ['', 'shape'],
  ScatterElements: ['', 'indices', 'updates'],
  ScatterND: ['', 'indices', 'updates'],
  Slice: ['', 'starts', 'ends', 'axes', 'steps'],
  Split: ['', 'split'],
  Squeeze: ['', 'axes'],
  Tile: ['', 'repeats'],
  TopK: ['', 'k'],
  Trilu: ['', 'k'],
  Unsqueeze: ['', 'axes'],
};

/**
 * Returns the text of `graph`: the inputs, parameters, large constants, nodes
 * (`score: float32[batch] = Squeeze(sum, axes=[1])`) and outputs, in the graph's order. Small constants are printed
 * inline. Equal graphs produce equal text. The text does not end with a line break.
 */
export function printGraph(graph: Graph): string {
  const typed = (name: string) => valueText(graph.values.get(name)!);
  const large = [...graph.constants].filter(([, data]) => !isInline(data)).map(([name]) => name);
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['inputs', graph.inputs.map(typed)],
    ['parameters', [...graph.initializers.keys()].map(typed)],
    ['constants', large.map(typed)],
    ['nodes', graph.nodes.map((node) => nodeLine(graph, node))],
    ['outputs', graph.outputs.map((name) => outputText(graph, name))],
  ];
  const lines = [`graph ${nameText(graph.name)}`];
  for (const [title, items] of sections) if (items.length > 0) lines.push(title, ...items.map((item) => `  ${item}`));
  return lines.join('\n');
}

function nodeLine(graph: Graph, node: Node): string {
  const outputs = node.outputs.map((name) => valueText(graph.values.get(name)!)).join(', ');
  return `${outputs} = ${node.op}(${[...inputTexts(graph, node), ...attributeTexts(node)].join(', ')})`;
}

function inputTexts(graph: Graph, node: Node): string[] {
  const last = node.inputs.findLastIndex((input) => input !== '');
  return node.inputs.slice(0, last + 1).flatMap((input, i) => {
    const label = INPUT_NAMES[node.op]?.[i] ?? '';
    if (input === '') return label === '' ? ['_'] : [];
    const text = givenText(graph, input);
    return [label === '' ? text : `${label}=${text}`];
  });
}

function attributeTexts(node: Node): string[] {
  const sorted = Object.entries<unknown>(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, value]) => {
    if (Array.isArray(value)) return `${name}=[${value.join(', ')}]`;
    return `${name}=${typeof value === 'number' ? numberText(value) : String(value)}`;
  });
}

/** The line that shows an output. For a constant, the line contains the elements, because no node line shows them. */
function outputText(graph: Graph, name: string): string {
  const constant = graph.constants.get(name);
  const typed = valueText(graph.values.get(name)!);
  return constant && isInline(constant) ? `${typed} = ${tensorText(constant)}` : typed;
}

function givenText(graph: Graph, name: string): string {
  const constant = graph.constants.get(name);
  return constant && isInline(constant) ? tensorText(constant) : nameText(name);
}

function isInline(data: Tensor): boolean {
  return data.data.length <= INLINE_ELEMENTS && data.shape.length <= 1;
}

/** The elements of a scalar or a vector. Floats always have a decimal point: `1.0`. */
function tensorText(source: Tensor): string {
  const texts =
    source.dtype === 'bool'
      ? numbersOf(source).map((x) => (x === 0 ? 'false' : 'true'))
      : source.data instanceof BigInt64Array
        ? Array.from(source.data, String)
        : numbersOf(source).map((x) => (isFloat(source.dtype) ? floatText(x, source.dtype === 'float32') : String(x)));
  return source.shape.length === 0 ? texts[0]! : `[${texts.join(', ')}]`;
}

function floatText(x: number, single: boolean): string {
  const text = Object.is(x, -0) ? '-0' : single ? numberText(x) : String(x);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The shortest text that parses to `x`. A float32 only has to parse to the same float32. */
function numberText(x: number): string {
  if (Math.fround(x) !== x || Number.isSafeInteger(x)) return String(x);
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(x.toPrecision(digits));
    if (Math.fround(shorter) === x) return String(shorter);
  }
  return String(x);
}

function valueText(value: Value): string {
  return `${nameText(value.name)}: ${typeText(value)}`;
}

/** A name as printed: unchanged, but in quotes if it is not a single word. */
function nameText(name: string): string {
  return /^[^\s"'(),=:[\]]+$/.test(name) ? name : JSON.stringify(name);
}
