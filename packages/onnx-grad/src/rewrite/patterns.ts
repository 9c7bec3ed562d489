/** Queries about the graph around a node, for rewriting rules. */
import type { Graph, Node, Value } from '../graph/ir.ts';
import type { OpType } from '../ops/attributes.ts';
import { knownNumbers } from '../ops/dims.ts';

export interface Patterns {
  /** Returns the node that computes the value `name` if it has the given op, otherwise null. */
  find<K extends OpType>(op: K, name: string | undefined): Node<K> | null;
  get(name: string): Value;
  /** Returns the elements of a list of axes or sizes, or null if they are only known at run time. */
  numbersOf(name: string | undefined): readonly number[] | null;
}

export function patternsOf(graph: Graph): Patterns {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  return {
    find<K extends OpType>(op: K, name: string | undefined) {
      const node = name === undefined ? undefined : producers.get(name);
      return node?.op === op ? (node as Node<K>) : null;
    },
    get: (name) => graph.values.get(name)!,
    numbersOf: (name) => knownNumbers(name === undefined ? null : graph.values.get(name)),
  };
}
