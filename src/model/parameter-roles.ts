/**
 * How adaptation treats each parameter of an imported model, and why: adapted in a compact table, adapted densely, or
 * fixed.
 */
import {
  addGradients,
  Builder,
  binaryCrossEntropy,
  elementCount,
  type Graph,
  GraphError,
  isFloat,
  type TableCut,
  trainableParameters,
} from '../../packages/onnx-grad/index.ts';
import { AppError } from '../lib/errors.ts';

export interface ParameterRole {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: 'compact' | 'dense' | 'fixed';
  readonly reason: string | null;
}

/** The parameters that are adapted, and the parameters that are not, with the reason for each. */
export interface Selection {
  readonly adapted: readonly string[];
  readonly fixed: ReadonlyMap<string, string>;
}

/** Training buffers that are not weights, by the names that PyTorch, Keras and their exporters use. */
const BUFFER = /(^|[./])(running_(mean|var)|moving_(mean|variance)|num_batches_tracked)(_\d+)?$/;
/** Names that exporters generate for literals in the code. */
const MADE_UP = /^(onnx::\w+|val|_val|scalar_tensor\w*|_tensor_constant)_?\d*$/;

/**
 * Chooses the parameters to adapt. By default these are all float parameters for which the score has a gradient, except
 * the parameters in `fixed`, running statistics (recognised by their names; those of BatchNormalization nodes are not
 * parameters at all) and scalars whose names the exporter generated. An unknown name causes an `invalid_argument`
 * error.
 */
export function selectParameters(
  graph: Graph,
  wanted: 'all' | readonly string[],
  fixed: readonly string[],
  where: string,
): Selection {
  for (const name of [...(wanted === 'all' ? [] : wanted), ...fixed])
    if (!graph.initializers.has(name))
      throw new AppError('invalid_argument', `${where}: the model has no parameter "${name}"`);
  for (const name of fixed)
    if (wanted !== 'all' && wanted.includes(name))
      throw new AppError('invalid_argument', `${where}: parameter "${name}" is both adapted and fixed`);
  const trainable = new Set(trainableParameters(graph));
  const named = new Set(fixed);
  const reasons = new Map<string, string>();
  for (const [name, { dtype, shape }] of graph.initializers) {
    const reason = whyFixed();
    if (reason !== null) reasons.set(name, reason);

    function whyFixed(): string | null {
      if (named.has(name)) return 'the schema says so';
      if (wanted !== 'all') return wanted.includes(name) ? null : 'the schema lists other parameters to adapt';
      if (!isFloat(dtype)) return `the parameter is ${dtype}`;
      if (!trainable.has(name)) return 'the score has no gradient with respect to the parameter';
      if (BUFFER.test(name)) return 'the name suggests a running statistic of training';
      if (MADE_UP.test(name) && elementCount(shape) === 1) return 'the name suggests a literal in the code';
      return null;
    }
  }
  return { adapted: [...graph.initializers.keys()].filter((name) => !reasons.has(name)), fixed: reasons };
}

/** The names of the parameters for which the score has a gradient. */
export function differentiableAmong(names: Iterable<string>, graph: Graph): string[] {
  const trainable = new Set(trainableParameters(graph));
  return [...names].filter((name) => trainable.has(name));
}

/** The roles of all parameters, in the order of the file. */
export function rolesOf(graph: Graph, { fixed }: Selection, cut: TableCut): ParameterRole[] {
  const compact = new Set(cut.tables.map(({ parameter }) => parameter));
  return [...graph.initializers].map(([name, { shape }]): ParameterRole => {
    const reason = fixed.get(name);
    if (reason !== undefined) return { name, shape, role: 'fixed', reason };
    if (compact.has(name)) return { name, shape, role: 'compact', reason: null };
    return { name, shape, role: 'dense', reason: cut.dense.get(name) ?? null };
  });
}

/** A gradient that is not supported; `sentence` names the op, the node and the path. */
export interface RefusedGradient {
  readonly parameters: readonly string[];
  readonly sentence: string;
}

/** The `parameters` for which the loss has no gradient, grouped by reason. `graph` satisfies the contract. */
export function refusedGradients(graph: Graph, parameters: readonly string[]): RefusedGradient[] {
  if (parameters.length === 0 || refusal(graph, parameters) === null) return [];
  const bySentence = new Map<string, string[]>();
  for (const parameter of parameters) {
    const sentence = refusal(graph, [parameter]);
    if (sentence !== null) bySentence.set(sentence, [...(bySentence.get(sentence) ?? []), parameter]);
  }
  return [...bySentence].map(([sentence, list]) => ({ parameters: list, sentence }));
}

function refusal(graph: Graph, parameters: readonly string[]): string | null {
  try {
    const b = Builder.from(graph);
    const score = b.get(graph.outputs[0]!);
    const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
    addGradients(
      b,
      b.build('loss', [loss]),
      loss,
      parameters.map((name) => b.get(name)),
    );
    return null;
  } catch (error) {
    if (error instanceof GraphError) return error.message;
    throw error;
  }
}
