/** Finds the cause of a score or parameter that is NaN: the node of the model, and the user's features. */
import { allFinite, type Feeds, type Graph, isFloat, openSession } from '../../packages/onnx-grad/index.ts';
import type { Manifest } from './manifest.ts';

/**
 * Returns the end of an error message, which names the first node of `graph` that produces NaN for `feeds`; '' if no
 * node does. All values of the graph are in memory at once, so `feeds` should have few users.
 */
export async function firstNaN(graph: Graph, feeds: Feeds): Promise<string> {
  const given = new Set([...graph.inputs, ...graph.initializers.keys(), ...graph.constants.keys()]);
  const floats = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => isFloat(graph.values.get(name)!.dtype));
  const session = await openSession({ ...graph, outputs: floats, overrides: new Map() });
  try {
    const values = await session.run(feeds);
    const isNaNIn = (name: string) => !given.has(name) && values[name]?.data.some((x) => Number.isNaN(x)) === true;
    const made = graph.nodes.find(({ outputs }) => outputs.some(isNaNIn));
    if (!made) return '';
    const infinite = made.inputs.find((name) => values[name] && !allFinite(values[name]));
    const because = infinite === undefined ? '' : `, from infinity in "${infinite}"`;
    return `: ${made.op} node "${made.name}" is the first to produce NaN${because}`;
  } finally {
    await session.close();
  }
}

/**
 * Returns the end of an error message about parameters that become NaN in a step of adaptation. It names a Sqrt node of
 * `graph` whose result for `feeds` is 0, where its gradient is infinite; '' if there is none.
 */
export async function zeroRoot(graph: Graph, feeds: Feeds): Promise<string> {
  const roots = graph.nodes.filter(({ op }) => op === 'Sqrt');
  if (roots.length === 0) return '';
  const session = await openSession({
    ...graph,
    outputs: roots.map(({ outputs }) => outputs[0]!),
    overrides: new Map(),
  });
  try {
    const values = await session.run(feeds);
    const root = roots.find(({ outputs }) => values[outputs[0]!]!.data.some((x) => x === 0));
    if (!root) return '';
    return (
      `. Likely cause: the root in Sqrt node "${root.name}" is 0 for some users, where its gradient is infinite (in ` +
      'PyTorch, the gradient of torch.std is 0 there). Add a small number to the variance (in PyTorch: ' +
      'torch.sqrt(x.var(1) + 1e-8))'
    );
  } finally {
    await session.close();
  }
}

/**
 * Returns the end of an error message about the user in row `row` of `feeds`, whose score is NaN. The text names the
 * most common cause, a list with only padding; '' if all lists have tokens.
 */
export function paddingHint(features: Manifest['features'], feeds: Feeds, row: number): string {
  const empty = features.user.flatMap((feature) => {
    if (!('max_length' in feature)) return [];
    const ids = feeds[`user.${feature.name}`]?.data.subarray(row * feature.max_length, (row + 1) * feature.max_length);
    return ids?.every((id) => Number(id) === 0) ? [`"${feature.name}"`] : [];
  });
  if (empty.length === 0) return '';
  return (
    `. Likely cause: the row of ${empty.join(' and ')} is all padding, and a softmax of nothing but -inf, or a mean ` +
    'over no tokens, is NaN. Leave one position of such a row unmasked, or divide by at least 1 (in PyTorch: ' +
    'mask.sum(1).clamp(min=1))'
  );
}
