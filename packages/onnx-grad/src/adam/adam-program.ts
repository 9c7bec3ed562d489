/**
 * Trains the parameters of a graph with Adam, using compact embedding tables. The graph is differentiated once and then
 * run on any number of batches.
 */

import { binaryCrossEntropy } from '../graph/binary-cross-entropy.ts';
import { Builder } from '../graph/builder.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph } from '../graph/ir.ts';
import { elementCount, type Tensor } from '../graph/tensor.ts';
import { cutTables, type TableCut } from '../rewrite/cut-tables.ts';
import { type Device, type Feeds, openSession, type Session } from '../session/session.ts';
import { Adam } from './adam.ts';
import { compact, type IndexReader, indexReader, needsIndexSession, type Parameters } from './compaction.ts';

export interface LabelledBatch {
  readonly feeds: Feeds;
  /** The label of each row, 0 or 1, `[batch]`. */
  readonly labels: Float32Array;
  /** The factor of each row's loss, applied before the mean is taken, as in PyTorch's BCELoss; `[batch]`. */
  readonly weights?: Float32Array;
}

/** A graph prepared for training with Adam. All runs share the sessions of the graph. */
export interface AdaptationProgram {
  readonly cut: TableCut;
  /**
   * Starts a run from `parameters`. The compact tables of the run contain the rows that `batches` and `scored` (inputs
   * to score during training) look up. An index outside the table causes an `index_out_of_range` error. A parameter
   * that does not fit into Adam's memory causes a `too_large` error.
   */
  start(parameters: Parameters, batches: readonly LabelledBatch[], scored?: readonly Feeds[]): Promise<AdaptationRun>;
  close(): Promise<void>;
}

export interface AdaptationRun {
  /** Takes one Adam step on batch `i` with learning rate `rate`. Returns the mean loss before the step. */
  step(i: number, rate: number): Promise<number>;
  /** Returns the scores of `scored[i]` under the current parameters, `[batch]`. */
  scores(i: number): Promise<Float32Array>;
  /** Returns copies of the current parameters, including all rows of tables. */
  parameters(): Map<string, Tensor>;
}

/**
 * The graph of a step. Its inputs are the inputs of the compact graph and `label` `[batch]`, and, with `isWeighted`,
 * `weight` `[batch]`. Its outputs are `loss`, followed by the gradients listed in `gradientsOf`. A compact table has
 * one gradient per look-up, with respect to the rows that the look-up reads, `[.., width]`. If a row occurs several
 * times, Adam adds up its gradients.
 */
export function buildStepGraph(
  { compactGraph, tables }: TableCut,
  parameters: readonly string[],
  isWeighted = false,
): Graph {
  const b = Builder.from(compactGraph);
  const score = b.get(compactGraph.outputs[0]!);
  const label = b.input('label', 'float32', score.shape);
  const loss = binaryCrossEntropy(b, score, label, isWeighted ? b.input('weight', 'float32', score.shape) : null);
  const values = gradientsOf({ tables }, parameters).map(({ value }) => b.get(value));
  const gradients = addGradients(b, b.build('loss', [loss]), loss, values);
  const outputs = [loss];
  for (const { name } of values) {
    const gradient = gradients.get(name)!;
    // a run writes each output to separate memory, so no value may be listed as an output twice
    outputs.push(outputs.includes(gradient) ? b.add('Identity', [gradient]) : gradient);
  }
  return b.build(`${compactGraph.name}_step`, outputs);
}

/** The values of the compact graph for which the step graph outputs gradients. */
function gradientsOf({ tables }: Pick<TableCut, 'tables'>, parameters: readonly string[]): WantedGradient[] {
  const lookups = new Map(tables.map((table) => [table.parameter, table.lookups]));
  return parameters.flatMap((parameter): WantedGradient[] => {
    const own = lookups.get(parameter);
    if (!own) return [{ parameter, value: parameter, place: null }];
    return own.map(({ input, output }) => ({ parameter, value: output, place: input }));
  });
}

interface WantedGradient {
  readonly parameter: string;
  readonly value: string;
  /** The feed that contains a look-up's positions; null for a parameter that stays whole. */
  readonly place: string | null;
}

/**
 * Differentiates the binary cross-entropy of the first output of `graph` (probabilities, `[batch]`) with respect to
 * `parameters`, and opens the sessions. If an op without a gradient lies on a path from the loss to a parameter, a
 * GraphError is thrown. With `compact: false`, tables stay whole.
 */
export async function openAdaptation(
  graph: Graph,
  parameters: readonly string[],
  options: { device?: Device; compact?: boolean; threads?: number } = {},
): Promise<AdaptationProgram> {
  const cut = cutTables(graph, parameters, { compact: options.compact ?? true });
  const step = await openSession(buildStepGraph(cut, parameters), options);
  let weighted: Promise<Session> | null = null;
  const weightedStep = () => {
    weighted ??= openSession(buildStepGraph(cut, parameters, true), options);
    return weighted;
  };
  const forward = await openSession(cut.compactGraph, options);
  const index = needsIndexSession(cut.indexGraph) ? await openSession(cut.indexGraph) : null;
  const reader = indexReader(cut.indexGraph, index);
  return {
    cut,
    start: (values, batches, scored = []) =>
      startRun({ cut, step, weightedStep, forward, reader, parameters }, values, batches, scored),
    async close() {
      for (const session of [step, await weighted, forward, index]) await session?.close();
    },
  };
}

interface Program {
  readonly cut: TableCut;
  readonly step: Session;
  /** Opens the session of the weighted step when it is first needed. */
  readonly weightedStep: () => Promise<Session>;
  readonly forward: Session;
  readonly reader: IndexReader;
  readonly parameters: readonly string[];
}

async function startRun(
  program: Program,
  values: Parameters,
  batches: readonly LabelledBatch[],
  scored: readonly Feeds[],
): Promise<AdaptationRun> {
  const adapted = new Map(program.parameters.map((name) => [name, values.get(name)!]));
  const compaction = await compact(program.cut, adapted, program.reader, [
    ...batches.map((batch) => batch.feeds),
    ...scored,
  ]);
  const places = batches.map((_, i) => placesOf(program.cut, compaction.places[i]!));
  const rows = new Map(
    program.cut.tables.map(({ parameter }) => [
      parameter,
      Math.max(0, ...places.map((of) => of.get(parameter)!.length)),
    ]),
  );
  const adam = new Adam(new Map(program.parameters.map((name) => [name, compaction.parameters.get(name)!])), { rows });
  const current = Object.fromEntries(adam.parameters);
  const wanted = gradientsOf(program.cut, program.parameters);
  return {
    async step(i, rate) {
      const { feeds, labels, weights } = batches[i]!;
      const session = weights ? await program.weightedStep() : program.step;
      const perRow = (data: Float32Array): Tensor => ({ dtype: 'float32', shape: [data.length], data });
      const own = { label: perRow(labels), ...(weights && { weight: perRow(weights) }) };
      const into = gradientTensors(adam, wanted, compaction.places[i]!);
      const named = into.map((tensor, j): [string, Tensor] => [session.outputs[j + 1]!, tensor]);
      const out = await session.run(
        { ...feeds, ...compaction.places[i], ...current, ...own },
        { into: Object.fromEntries(named) },
      );
      for (const [parameter, rows] of places[i]!) adam.addRows(parameter, rows);
      adam.step(rate);
      return Number(out[session.outputs[0]!]!.data[0]);
    },
    async scores(i) {
      const out = await program.forward.run({ ...scored[i], ...compaction.places[batches.length + i], ...current });
      return out[program.forward.outputs[0]!]!.data as Float32Array;
    },
    parameters: () => compaction.restore(new Map([...adam.parameters].map(([name, value]) => [name, copyOf(value)]))),
  };
}

/** The positions that all look-ups of a table read, concatenated, by table name. */
function placesOf({ tables }: TableCut, places: Feeds): Map<string, Int32Array> {
  return new Map(
    tables.map(({ parameter, lookups }) => {
      const parts = lookups.map(({ input }) => places[input]!.data as Int32Array);
      const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        all.set(part, at);
        at += part.length;
      }
      return [parameter, all];
    }),
  );
}

/** The memory for one step's gradients, either of whole parameters or of the concatenated rows of all look-ups. */
function gradientTensors(adam: Adam, wanted: readonly WantedGradient[], places: Feeds): Tensor[] {
  const ends = new Map<string, number>();
  return wanted.map(({ parameter, place }) => {
    const { dtype, shape } = adam.parameters.get(parameter)!;
    if (place === null) return { dtype, shape, data: adam.gradients.get(parameter)! };
    const read = [...places[place]!.shape, ...shape.slice(1)];
    const from = ends.get(parameter) ?? 0;
    const to = from + elementCount(read);
    ends.set(parameter, to);
    return { dtype, shape: read, data: adam.incoming(parameter).subarray(from, to) };
  });
}

function copyOf(source: Tensor): Tensor {
  return { ...source, data: (source.data as Float32Array).slice() };
}
