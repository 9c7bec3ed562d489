/**
 * Converts the inputs and the output of an exported model to the contract by adding nodes before and after the graph.
 * The model may take ids as a column, as floats or as columns of one matrix, and may take masks for lists. It may
 * return the score as a column.
 */

import {
  type Builder,
  type Graph,
  GraphError,
  isFloat,
  type OpType,
  type Shape,
  type Value,
  withInterface,
} from '../../packages/onnx-grad/index.ts';
import { columnOf } from '../lib/feature-kinds.ts';
import { refused } from './folder.ts';
import { SIDES } from './interface.ts';
import type { Manifest, ManifestFeature } from './manifest.ts';

/**
 * The meaning of inputs whose names do not follow the contract: `user.<feature>`, `user.<feature>.length`,
 * `user.<feature>.mask` (true at positions with a token), `user.<feature>.padding` (true at positions without a token),
 * or the same names with `campaign` instead of `user`. For a matrix, the meaning is the list of the single-valued
 * features in its columns.
 */
export type InputNames = NonNullable<Manifest['inputs']>;

type Part = 'ids' | 'length' | 'mask' | 'padding';

/** The contract input from which an input of the model file is computed. */
interface Source {
  readonly feature: ManifestFeature;
  readonly input: string;
  readonly part: Part;
}

/** Sources by input, in file order; null for an input that belongs to no feature. */
type Sources = ReadonlyMap<string, readonly Source[] | null>;

/**
 * Returns `graph` with the inputs and the output of the contract. Inputs that cannot be converted are not changed:
 * `checkInterface` rejects them. A graph that already fits the contract is returned unchanged. `path` names the model
 * in an error.
 * @throws AppError invalid_model if `names` do not fit the graph
 */
export function adaptInterface(path: string, graph: Graph, features: Manifest['features'], names: InputNames): Graph {
  for (const name of Object.keys(names))
    if (!graph.inputs.includes(name))
      throw refused(
        path,
        `the model has no input "${name}", which "inputs" names; its inputs are ${graph.inputs.join(', ')}`,
      );
  const sources: Sources = new Map(
    graph.inputs.map((name) => [name, sourcesOf(path, graph, features, name, names[name] ?? name)]),
  );
  const score = graph.values.get(graph.outputs[0] ?? '');
  const columns = (score?.shape ?? []).flatMap((dim, axis) => (axis > 0 && dim === 1 ? [axis] : []));
  const isColumn = score !== undefined && columns.length > 0 && columns.length === score.shape.length - 1;
  const isOtherName = graph.outputs.length === 1 && score?.name !== 'score';
  if ([...sources].every(([name, list]) => isPlain(graph, name, list)) && !isColumn && !isOtherName) return graph;
  try {
    return withInterface(graph, {
      inputs: (b) => b.named('inputs/', () => declareInputs(b, graph, sources)),
      outputs: (b, [first, ...rest]) => {
        if (isColumn) return [b.add('Squeeze', [first!, b.ints(columns)], {}, SCORE), ...rest];
        return [isOtherName ? b.add('Identity', [first!], {}, SCORE) : first!, ...rest];
      },
      free: isColumn || isOtherName ? ['score'] : [],
    });
  } catch (error) {
    if (error instanceof GraphError)
      throw refused(path, `the inputs of the model do not fit the features: ${error.message}`, error);
    throw error;
  }
}

const SCORE = { name: 'score', outputs: ['score'] };

/**
 * Returns what the input `name` is computed from; null if the input belongs to no feature. `target` is the name of the
 * input in the contract.
 */
function sourcesOf(
  path: string,
  graph: Graph,
  features: Manifest['features'],
  name: string,
  target: string | readonly string[],
): readonly Source[] | null {
  if (typeof target === 'string') {
    const source = findSource(features, target);
    if (source === null && target !== name)
      throw refused(path, `"inputs" maps "${name}" to "${target}", but there is no such feature`);
    return source === null ? null : [source];
  }
  const { shape } = graph.values.get(name)!;
  if (shape.length !== 2 || (typeof shape[1] === 'number' && shape[1] !== target.length))
    throw refused(
      path,
      `"inputs" gives "${name}" ${target.length} columns, but the shape of the input is [${shape.join(', ')}]`,
    );
  return target.map((column) => {
    const source = findSource(features, column);
    if (source?.part !== 'ids' || columnOf(source.feature.kind) !== 'single')
      throw refused(
        path,
        `"inputs" says that "${name}" has a column "${column}", which is not a single-valued feature`,
      );
    return source;
  });
}

function findSource(features: Manifest['features'], target: string): Source | null {
  for (const side of SIDES) {
    for (const feature of features[side]) {
      const name = `${side}.${feature.name}`;
      if (target === name) return { feature, input: name, part: 'ids' };
      if (!('max_length' in feature)) continue;
      if (target === `${name}.length`) return { feature, input: target, part: 'length' };
      if (target === `${name}.mask`) return { feature, input: name, part: 'mask' };
      if (target === `${name}.padding`) return { feature, input: name, part: 'padding' };
    }
  }
  return null;
}

const isIds = (part: Part) => part === 'ids' || part === 'length';
const rankOf = ({ feature, part }: Source) => ('max_length' in feature && part !== 'length' ? 2 : 1);

/** True for an input that already fits the contract and for an input that belongs to no feature. */
function isPlain(graph: Graph, name: string, sources: readonly Source[] | null): boolean {
  if (sources === null) return true;
  const [source] = sources;
  const { dtype, shape } = graph.values.get(name)!;
  const isOne = sources.length === 1 && source!.input === name && isIds(source!.part);
  return isOne && !isFloat(dtype) && shape.length === rankOf(source!);
}

/** Declares each input of the contract once, and computes the inputs of `graph` from them. */
function declareInputs(b: Builder, graph: Graph, sources: Sources): ReadonlyMap<string, Value> {
  const wide = new Set<string>();
  for (const [name, list] of sources)
    for (const { input } of list ?? []) if (graph.values.get(name)!.dtype === 'int64') wide.add(input);
  const made = new Map<string, Value>();
  for (const [name, list] of sources) {
    const { dtype, shape } = graph.values.get(name)!;
    const isAnyId = !isFloat(dtype) || areIds(graph, name);
    const of = (source: Source, own: Shape): Value => {
      // an input that is named like ids but takes other values is declared unchanged, and rejected later
      const isOdd = (dtype === 'bool' && isIds(source.part)) || (source.part === 'ids' && !isAnyId);
      const type = isOdd ? dtype : wide.has(source.input) ? 'int64' : 'int32';
      const ids = b.has(source.input) ? b.get(source.input) : b.input(source.input, type, own);
      const part = partOf(b, ids, source.part);
      return part.dtype === dtype ? part : b.add('Cast', [part], { to: dtype });
    };
    if (list === null) made.set(name, b.input(name, dtype, shape));
    else if (list.length > 1) {
      const columns = list.map((source) => b.add('Unsqueeze', [of(source, shape.slice(0, 1)), b.ints([1])]));
      made.set(name, b.add('Concat', columns, { axis: 1 }));
    } else {
      const [source] = list as [Source];
      // axes of size 1 may be anywhere after the batch axis; inputs with other axes are declared unchanged, and
      // rejected later
      const most = Math.max(0, shape.length - rankOf(source));
      const ones = shape.flatMap((dim, axis) => (axis > 0 && dim === 1 ? [axis] : [])).slice(0, most);
      const value = of(
        source,
        shape.filter((_, axis) => !ones.includes(axis)),
      );
      made.set(name, ones.length === 0 ? value : b.add('Unsqueeze', [value, b.ints(ones)]));
    }
  }
  return made;
}

/** Ops that move elements or round them to whole numbers. */
const PASSING: ReadonlySet<OpType> = new Set([
  ...(['Ceil', 'Clip', 'Concat', 'Expand', 'Floor', 'Gather', 'Identity', 'Reshape', 'Round'] as const),
  ...(['Slice', 'Split', 'Squeeze', 'Transpose', 'Unsqueeze'] as const),
]);

/** Whether the floats of `input` are ids, that is, whether they are cast to integers before any other computation. */
function areIds(graph: Graph, input: string): boolean {
  const moved = new Set([input]);
  for (const { op, inputs, outputs } of graph.nodes) {
    if (!inputs.some((name) => moved.has(name))) continue;
    const types = outputs.map((name) => graph.values.get(name)!.dtype);
    // a score cannot depend smoothly on booleans and integers
    if (!types.some(isFloat)) continue;
    if (!PASSING.has(op)) return false;
    for (const name of outputs) moved.add(name);
  }
  return !graph.outputs.some((name) => moved.has(name));
}

function partOf(b: Builder, ids: Value, part: Part): Value {
  switch (part) {
    case 'ids':
    case 'length':
      return ids;
    case 'mask':
      return b.add('Greater', [ids, b.scalar(0, ids)]);
    case 'padding':
      return b.add('Equal', [ids, b.scalar(0, ids)]);
  }
}
