/** Guesses the meaning of an exported model's inputs from the names and shapes of the inputs; each guess has a note. */
import { type Graph, isFloat } from '../../../packages/onnx-grad/index.ts';
import { SIDES } from '../interface.ts';

/** The inferred meaning of an input. A null target is unknown, and the operator must fill in the target. */
export interface ProposedInput {
  /**
   * The target of an input: `user.<feature>`, with `.length`, `.mask` or `.padding` for an input that accompanies a
   * list.
   */
  readonly target: string | null;
  readonly part: 'ids' | 'length' | 'mask' | 'padding';
  /** For an input that accompanies a list, the input with the list's ids. */
  readonly ids: string;
}

const SUFFIXES: readonly (readonly [suffix: RegExp, part: 'length' | 'mask' | 'padding'])[] = [
  [/[._](len|length|lengths)$/, 'length'],
  [/[._](key_)?padding(_mask)?$/, 'padding'],
  [/[._]mask$/, 'mask'],
];

/**
 * Returns a proposal for each input, in the graph's order. Inputs whose names do not have the form of the contract are
 * guessed, with a note for each guess. `lookedUp` are the inputs that index tables.
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
      if (target !== input) notes.push(`input "${input}" is assumed to be the ${companion.part} of "${companion.ids}"`);
      continue;
    }
    const isOwn = SIDES.some((side) => input.startsWith(`${side}.`));
    const { dtype, shape } = graph.values.get(input)!;
    const isMatrix = !isOwn && shape.length === 2 && shape[1] !== 1 && isFloat(dtype);
    if (isMatrix && (lookedUp.has(input) || dtype !== 'float32')) {
      notes.push(`input "${input}" is a matrix: list the feature of each column in "inputs"`);
      found.set(input, { target: null, part: 'ids', ids: input });
      continue;
    }
    const target = targetOf(input);
    found.set(input, { target, part: 'ids', ids: input });
    if (isMatrix)
      notes.push(
        `input "${input}" is assumed to be the vector "${target}": write campaign.<feature> in "inputs" if it ` +
          'belongs to a campaign; if the numbers are separate features, each needs its own input',
      );
    else if (target !== input)
      notes.push(
        `input "${input}" is assumed to be "${target}": write campaign.<feature> in "inputs" if it belongs to a ` +
          'campaign',
      );
  }
  return found;
}

function targetOf(input: string): string {
  if (SIDES.some((side) => input.startsWith(`${side}.`))) return input;
  const side = SIDES.find((name) => input.startsWith(`${name}_`));
  return side ? `${side}.${input.slice(side.length + 1)}` : `user.${input}`;
}

/** The list that `input` accompanies, if the name of `input` is the list's name with a suffix. */
function companionOf(graph: Graph, input: string): { part: 'length' | 'mask' | 'padding'; ids: string } | null {
  for (const [suffix, part] of SUFFIXES) {
    const ids = input.replace(suffix, '');
    if (ids !== input && graph.inputs.includes(ids) && graph.values.get(ids)!.shape.length > 1) return { part, ids };
  }
  return null;
}
