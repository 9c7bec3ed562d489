/** What inputs of an exported model probably are, by their names and shapes: a proposal, with notes. */
import { type Graph, isFloat } from '../../../packages/onnx-grad/index.ts';
import { SIDES } from '../interface.ts';

/** What an input is taken for. A target of null is not known: somebody has to say it. */
export interface ProposedInput {
  /** `user.<feature>`, with `.length`, `.mask` or `.padding` for what accompanies a list. */
  readonly target: string | null;
  readonly part: 'ids' | 'length' | 'mask' | 'padding';
  /** The input that has the ids, of what accompanies a list. */
  readonly ids: string;
}

const SUFFIXES: readonly (readonly [suffix: RegExp, part: 'length' | 'mask' | 'padding'])[] = [
  [/[._](len|length|lengths)$/, 'length'],
  [/[._](key_)?padding(_mask)?$/, 'padding'],
  [/[._]mask$/, 'mask'],
];

/**
 * By input, in the graph's order. Names of another form than the contract's are noted: each is a guess. `lookedUp` are
 * the inputs by which tables are looked up.
 */
export function proposeInputs(
  graph: Graph,
  lookedUp: ReadonlySet<string>,
  notes: string[],
): ReadonlyMap<string, ProposedInput> {
  const found = new Map<string, ProposedInput>();
  for (const input of graph.inputs) {
    const companion = companionOf(graph, input);
    if (companion) {
      const target = `${targetOf(companion.ids)}.${companion.part}`;
      found.set(input, { target, ...companion });
      if (target !== input) notes.push(`input "${input}" is taken for the ${companion.part} of "${companion.ids}"`);
      continue;
    }
    const isOwn = SIDES.some((side) => input.startsWith(`${side}.`));
    const { dtype, shape } = graph.values.get(input)!;
    const isMatrix = !isOwn && shape.length === 2 && shape[1] !== 1 && isFloat(dtype);
    if (isMatrix && (lookedUp.has(input) || dtype !== 'float32')) {
      notes.push(`input "${input}" is a matrix: say in "inputs" which feature each of its columns is`);
      found.set(input, { target: null, part: 'ids', ids: input });
      continue;
    }
    const target = targetOf(input);
    found.set(input, { target, part: 'ids', ids: input });
    if (isMatrix)
      notes.push(
        `input "${input}" is taken for the vector "${target}": in "inputs" say campaign.<feature> if it is of a ` +
          'campaign; numbers that are features of their own need an input each',
      );
    else if (target !== input)
      notes.push(
        `input "${input}" is taken for "${target}": in "inputs" say campaign.<feature> if it is of a campaign`,
      );
  }
  return found;
}

function targetOf(input: string): string {
  if (SIDES.some((side) => input.startsWith(`${side}.`))) return input;
  const side = SIDES.find((name) => input.startsWith(`${name}_`));
  return side ? `${side}.${input.slice(side.length + 1)}` : `user.${input}`;
}

/** The list that `input` goes with, if its name is that of one and a suffix. */
function companionOf(graph: Graph, input: string): { part: 'length' | 'mask' | 'padding'; ids: string } | null {
  for (const [suffix, part] of SUFFIXES) {
    const ids = input.replace(suffix, '');
    if (ids !== input && graph.inputs.includes(ids) && graph.values.get(ids)!.shape.length > 1) return { part, ids };
  }
  return null;
}
