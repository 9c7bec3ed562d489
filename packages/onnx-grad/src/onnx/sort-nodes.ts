/** Sorts a file's nodes topologically. */

import { GraphError } from '../errors.ts';
import { type FileNode, nodeText } from './file-node.ts';

/** Maximum number of nodes that the error message for a cycle names. */
const NAMED_NODES = 8;

/**
 * Returns `nodes` in topological order: each node follows the producers of its inputs. Nodes that are already in
 * topological order keep their order. A cycle causes a GraphError.
 */
export function sortNodes(nodes: readonly FileNode[]): FileNode[] {
  const producers = new Map<string, FileNode>();
  for (const node of nodes) for (const output of node.outputs) if (output !== '') producers.set(output, node);
  const sorted: FileNode[] = [];
  const state = new Map<FileNode, 'open' | 'done'>();
  for (const start of nodes) {
    if (state.has(start)) continue;
    // the stack is explicit, because a chain of nodes may be too long for recursion
    const path = [{ node: start, next: 0 }];
    state.set(start, 'open');
    while (path.length > 0) {
      const top = path.at(-1)!;
      if (top.next === top.node.inputs.length) {
        path.pop();
        state.set(top.node, 'done');
        sorted.push(top.node);
        continue;
      }
      const producer = producers.get(top.node.inputs[top.next++]!);
      if (!producer || state.get(producer) === 'done') continue;
      if (state.get(producer) === 'open')
        refuseCycle(path.map((step) => step.node).slice(path.findIndex((step) => step.node === producer)));
      state.set(producer, 'open');
      path.push({ node: producer, next: 0 });
    }
  }
  return sorted;
}

/** Throws the error for a cycle. In `cycle`, each node needs the next one, and the last node needs the first. */
function refuseCycle(cycle: readonly FileNode[]): never {
  const named = cycle.slice(0, NAMED_NODES).map(nodeText);
  const more = cycle.length > NAMED_NODES ? ` and ${cycle.length - NAMED_NODES} more` : '';
  if (cycle.length === 1) throw new GraphError(`${named[0]} needs its own output`);
  throw new GraphError(`the nodes form a cycle: ${named.join(' needs ')}${more} needs ${named[0]}`);
}
