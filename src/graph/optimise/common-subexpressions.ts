/** Computes once what several nodes compute: same op, same attributes, same inputs. */
import { type Graph, type Tensor, typeText, type Value } from '../ir.ts';
import { rewrite } from './rewrite.ts';

/**
 * `graph` with equal nodes merged into the first, and equal constants too. Values whose gradient is given by hand stand apart.
 * Every op of the table gives the same for the same.
 */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const seen = new Map<string, readonly Value[]>();
  const first = firstOfEqualConstants(graph.constants);
  return rewrite(graph, ({ node, inputs, value, hasOverride, copy }) => {
    const merged = inputs.map((input) => {
      const name = input === null ? undefined : first.get(input.name);
      return name === undefined ? input : value(name);
    });
    if (node.outputs.some(hasOverride)) return copy(merged);
    const key = JSON.stringify([
      node.op,
      Object.entries(node.attributes).sort(([a], [c]) => (a < c ? -1 : 1)),
      merged.map((input) => input?.name ?? ''),
    ]);
    const known = seen.get(key);
    if (known) return known;
    const values = copy(merged);
    seen.set(key, values);
    return values;
  });
}

/** For each constant that has an equal one before it, the name of the first. */
function firstOfEqualConstants(constants: ReadonlyMap<string, Tensor>): ReadonlyMap<string, string> {
  const names = new Map<string, string[]>();
  const first = new Map<string, string>();
  for (const [name, data] of constants) {
    const type = typeText(data);
    const others = names.get(type) ?? [];
    const equal = others.find((other) => bytesOf(constants.get(other)!).equals(bytesOf(data)));
    if (equal !== undefined) first.set(name, equal);
    else names.set(type, [...others, name]);
  }
  return first;
}

function bytesOf({ data }: Tensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
