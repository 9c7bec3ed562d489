/** Where in a model a score that is no number comes from. */
import { type Graph, isFloat } from '../graph/index.ts';
import { allFinite, type Feeds, openSession } from '../runtime/session.ts';

/**
 * The rest of a sentence: the first node of `graph` that makes NaN when it is fed `feeds`, '' where none does. All
 * values of the graph are held at once: `feeds` are to be of few users.
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
    const because = infinite === undefined ? '' : `, of infinity in "${infinite}"`;
    return `: ${made.op} node "${made.name}" is the first to make it${because}`;
  } finally {
    await session.close();
  }
}
