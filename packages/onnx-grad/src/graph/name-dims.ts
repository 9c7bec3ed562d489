/** Replaces the names that inference gave to sizes (`d0`, `d1`) with the names that a file declares. */

import type { DeclaredType } from '../onnx/proto-types.ts';
import type { Graph, Value } from './ir.ts';
import type { Dim } from './tensor.ts';

/**
 * Returns `graph` with sizes renamed as in `declared`. `declared` contains the types that the file declares, by value
 * name. Renaming never makes two sizes equal, whatever the file declares: a declared name is not used if an input uses
 * the name, or if another size already has the name.
 */
export function nameDims(graph: Graph, declared: ReadonlyMap<string, DeclaredType>): Graph {
  const fixed = new Set<Dim>(graph.inputs.flatMap((name) => graph.values.get(name)!.shape));
  const names = new Map<Dim, string>();
  const taken = new Set<string>();
  for (const value of graph.values.values()) {
    const shape = declared.get(value.name)?.shape;
    if (shape?.length !== value.shape.length) continue;
    value.shape.forEach((dim, i) => {
      const name = shape[i];
      if (typeof dim === 'number' || fixed.has(dim) || names.has(dim)) return;
      if (typeof name !== 'string' || fixed.has(name) || taken.has(name)) return;
      names.set(dim, name);
      taken.add(name);
    });
  }
  if (names.size === 0) return graph;
  moveAside(graph, fixed, names, taken);
  const rename = (dims: readonly Dim[]): Dim[] => dims.map((dim) => names.get(dim) ?? dim);
  const values = new Map<string, Value>();
  for (const [name, value] of graph.values) {
    values.set(name, {
      ...value,
      shape: rename(value.shape),
      ...(value.known ? { known: rename(value.known) } : {}),
    });
  }
  return { ...graph, values };
}

/** Renames a size if its name has just been given to another size. */
function moveAside(graph: Graph, fixed: ReadonlySet<Dim>, names: Map<Dim, string>, taken: ReadonlySet<string>): void {
  const used = new Set<Dim>([...fixed, ...taken]);
  const all = [...graph.values.values()].flatMap((value) => [...value.shape, ...(value.known ?? [])]);
  for (const dim of all) used.add(dim);
  let next = 0;
  for (const dim of all) {
    if (typeof dim === 'number' || fixed.has(dim) || names.has(dim) || !taken.has(dim)) continue;
    while (used.has(`d${next}`)) next++;
    names.set(dim, `d${next}`);
    used.add(`d${next}`);
  }
}
