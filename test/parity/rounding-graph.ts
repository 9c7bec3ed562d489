/** The graph that measures how much rounding a gradient feels: see rounding.ts for what is computed, and why. */

import {
  addGradients,
  Builder,
  binaryCrossEntropy,
  type DataType,
  elementCount,
  type Graph,
  isConcrete,
  type Node,
  type OpType,
  prune,
  tensor,
  type Value,
} from '../../packages/onnx-grad/index.ts';
import type { LabelledBatch } from '../../packages/onnx-grad/src/adam/adam-program.ts';

/** Roundings of a function of the library, or of a few steps that are taken as one. */
const FEW = 4;

/**
 * Inputs, all of float64 that are floats: the batch, `label`, the parameters, for each parameter `along.<p>`, and
 * `updates`, how often the parameters were updated. Outputs: the gradients of the loss, `grad/<p>`; and of g = sum over
 * p of grad . along (one entry, where that is one-hot): `rounding`, which is sqrt(sum_v c_v (dg/dv M_v)^2) over all
 * steps v of the gradients, and `by/<p>`, dg/dp.
 */
export function roundingGraph(graph: Graph, parameters: readonly string[], batch: LabelledBatch): Graph {
  const b = widened(graph, parameters, batch);
  const score = b.get(graph.outputs[0]!);
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float64', score.shape));
  const values = parameters.map((name) => b.get(name));
  const gradients = addGradients(b, b.build('loss', [loss]), loss, values);
  const steps = prune(b.build('steps', [...gradients.values()]));
  const rounded = steps.nodes.filter((node) => roundingsOf(steps, node) > 0);

  const products = values.map((value) => {
    const along = b.input(`along.${value.name}`, value.dtype, value.shape);
    return b.add('ReduceSum', [b.add('Mul', [gradients.get(value.name)!, along])], { keepdims: 0 });
  });
  const g = sumOf(b, products);
  const targets = [...values, ...rounded.map(({ outputs }) => b.get(outputs[0]!))];
  const adjoints = addGradients(b, b.build('entry', [g]), g, targets);
  const felt = rounded.map((node) => {
    const share = b.add('Mul', [adjoints.get(node.outputs[0]!)!, magnitudeOf(b, node)]);
    const total = b.add('ReduceSum', [b.add('Mul', [share, share])], { keepdims: 0 });
    return b.add('Mul', [total, b.scalar(roundingsOf(steps, node), g)]);
  });
  const named = (value: Value, name: string) => b.add('Identity', [value], {}, { name });
  // a parameter was rounded once an update
  const updates = b.input('updates', 'float64', []);
  for (const value of values) {
    const share = b.add('Mul', [adjoints.get(value.name)!, value]);
    felt.push(b.add('Mul', [b.add('ReduceSum', [b.add('Mul', [share, share])], { keepdims: 0 }), updates]));
  }
  const outputs = [
    named(b.add('Sqrt', [sumOf(b, felt)]), 'rounding'),
    ...values.map(({ name }) => named(gradients.get(name)!, `grad/${name}`)),
    ...values.map(({ name }) => named(adjoints.get(name)!, `by/${name}`)),
  ];
  return prune(b.build('rounding', outputs), { overrides: false });
}

function sumOf(b: Builder, values: readonly Value[]): Value {
  return values.reduce((sum, value) => b.add('Add', [sum, value]));
}

/** c_v: by how many units u the result of a step may be off, as a part of what `magnitudeOf` gives. */
function roundingsOf({ values, overrides }: Graph, { op, inputs, outputs }: Node): number {
  const sizesOf = (name: string): readonly number[] => {
    const { shape } = values.get(name)!;
    if (!isConcrete(shape)) throw new RangeError(`"${name}" has a size that is not known`);
    return shape;
  };
  // a gradient by hand stands for the steps behind its value
  if (overrides.has(outputs[0]!)) return FEW;
  switch (op) {
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
    case 'Reciprocal':
      return values.get(outputs[0]!)!.dtype === 'float64' ? 1 : 0;
    case 'Exp':
    case 'Log':
    case 'Sigmoid':
      return FEW;
    case 'Softmax':
      return FEW + sizesOf(inputs[0]!).at(-1)!;
    case 'ReduceSum':
    case 'ReduceMean':
      return elementCount(sizesOf(inputs[0]!)) / elementCount(sizesOf(outputs[0]!));
    case 'MatMul':
      return sizesOf(inputs[0]!).at(-1)!;
    case 'Gemm':
      return 1 + elementCount(sizesOf(inputs[0]!)) / sizesOf(outputs[0]!)[0]!;
    case 'ScatterND':
      return elementCount(sizesOf(inputs[1]!).slice(0, -1));
    default:
      if (!MOVES.has(op)) throw new RangeError(`how ${op} rounds is not known`);
      return 0;
  }
}

/** Ops that round nothing. */
const MOVES: ReadonlySet<OpType> = new Set<OpType>([
  ...([
    'Abs',
    'Cast',
    'Concat',
    'ConstantOfShape',
    'Expand',
    'Gather',
    'Greater',
    'Identity',
    'Less',
    'Max',
    'Neg',
    'Split',
  ] as const),
  ...(['Range', 'Relu', 'Reshape', 'Shape', 'Slice', 'Squeeze', 'Transpose', 'Unsqueeze', 'Where'] as const),
]);

/** Sums of terms, where cancellation is: these round with their terms, not with what is left of them. */
const SUMS: ReadonlySet<OpType> = new Set<OpType>(['Gemm', 'MatMul', 'ReduceMean', 'ReduceSum', 'ScatterND']);

/** M_v: a sum's with its terms made positive, else the absolute value. */
function magnitudeOf(b: Builder, { op, inputs, outputs, attributes }: Node): Value {
  if (!SUMS.has(op)) return b.add('Abs', [b.get(outputs[0]!)]);
  const positive = inputs.map((name) => {
    if (name === '') return null;
    const value = b.get(name);
    return value.dtype === 'float64' ? b.add('Abs', [value]) : value;
  });
  return b.addAll(op, positive, attributes)[0]!;
}

/** `graph` with float64 in the place of float32, `parameters` as inputs, and the sizes of `batch`. */
function widened(graph: Graph, parameters: readonly string[], { feeds }: LabelledBatch): Builder {
  const b = new Builder();
  const widen = (dtype: DataType): DataType => (dtype === 'float32' ? 'float64' : dtype);
  for (const name of graph.inputs) b.input(name, widen(graph.values.get(name)!.dtype), feeds[name]!.shape);
  for (const [name, { dtype, shape, data }] of [...graph.initializers, ...graph.constants]) {
    if (parameters.includes(name)) b.input(name, 'float64', shape);
    else if (dtype === 'float32') b.namedConstant(name, tensor('float64', shape, data as Float32Array));
    else b.namedConstant(name, { dtype, shape, data });
  }
  for (const { op, name, inputs, outputs, attributes } of graph.nodes) {
    const given = inputs.map((input) => (input === '' ? null : b.get(input)));
    b.addAll(op, given, widenedAttributes(attributes, widen), { name, outputs });
  }
  return b;
}

function widenedAttributes(attributes: Node['attributes'], widen: (dtype: DataType) => DataType): Node['attributes'] {
  const to = (key: 'to' | 'dtype') =>
    key in attributes ? { [key]: widen((attributes as Record<string, DataType>)[key]!) } : {};
  return { ...attributes, ...to('to'), ...to('dtype') } as Node['attributes'];
}
