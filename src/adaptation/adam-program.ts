/**
 * The online stage's steps on any model: its graph is differentiated once; a run adapts compact tables with Adam, step
 * by step.
 */
import {
  type AdamState,
  adamScalars,
  adamStep,
  addGradients,
  Builder,
  binaryCrossEntropy,
  cutTables,
  type Graph,
  type TableCut,
  type Tensor,
  tensor,
} from '../graph/index.ts';
import { type Device, type Feeds, openSession, type Session } from '../runtime/session.ts';
import {
  type Compaction,
  compact,
  type IndexReader,
  indexReader,
  needsIndexSession,
  type Parameters,
} from './compaction.ts';

export interface LabelledBatch {
  readonly feeds: Feeds;
  /** 0 or 1, `[batch]`. */
  readonly labels: Float32Array;
}

/** A model prepared for adaptation, shared by all campaigns of the model. */
export interface AdaptationProgram {
  readonly cut: TableCut;
  /**
   * Starts from `parameters`. The compact tables cover the rows of all `batches` and of `scored` (batches to score
   * along the way).
   */
  start(parameters: Parameters, batches: readonly LabelledBatch[], scored?: readonly Feeds[]): Promise<AdaptationRun>;
  close(): Promise<void>;
}

export interface AdaptationRun {
  /** One step of Adam on batch `i`; returns the loss before it. */
  step(i: number, rate: number): Promise<number>;
  /** Scores of `scored[i]` with the current parameters. */
  scores(i: number): Promise<Float32Array>;
  /** The current full parameters. */
  parameters(): Map<string, Tensor>;
}

/**
 * Inputs: those of the compact graph, `label` `[batch]`, `adam.stepSize`, `adam.scale2` and for each parameter
 * `<p>.moment1`, `<p>.moment2`. Outputs: `loss` and `next/<p>`, `next/<p>.moment1`, `next/<p>.moment2`.
 */
export function buildStepGraph(compactGraph: Graph, parameters: readonly string[]): Graph {
  const b = Builder.from(compactGraph);
  const score = b.get(compactGraph.outputs[0]!);
  const label = b.input('label', 'float32', score.shape);
  const stepSize = b.input('adam.stepSize', 'float32', []);
  const scale2 = b.input('adam.scale2', 'float32', []);
  const loss = binaryCrossEntropy(b, score, label);
  const values = parameters.map((name) => b.get(name));
  const gradients = addGradients(b, b.build('loss', [loss]), loss, values);
  const outputs = [loss];
  b.named('adam/', () => {
    for (const parameter of values) {
      const state: AdamState = {
        parameter,
        gradient: gradients.get(parameter.name)!,
        moment1: b.input(`${parameter.name}.moment1`, parameter.dtype, parameter.shape),
        moment2: b.input(`${parameter.name}.moment2`, parameter.dtype, parameter.shape),
      };
      const next = adamStep(b, state, stepSize, scale2);
      for (const [suffix, value] of [
        ['', next.parameter],
        ['.moment1', next.moment1],
        ['.moment2', next.moment2],
      ] as const) {
        outputs.push(b.add('Identity', [value], {}, { name: `next/${parameter.name}${suffix}` }));
      }
    }
  });
  return b.build(`${compactGraph.name}_step`, outputs);
}

/** Differentiates `graph` and opens its sessions. An op on the path without a gradient is a GraphError. */
export async function openAdaptation(
  graph: Graph,
  parameters: readonly string[],
  options: { device?: Device; compact?: boolean } = {},
): Promise<AdaptationProgram> {
  const cut = cutTables(graph, parameters, { compact: options.compact ?? true });
  const step = await openSession(buildStepGraph(cut.compactGraph, parameters), options);
  const forward = await openSession(cut.compactGraph, options);
  const index = needsIndexSession(cut.indexGraph) ? await openSession(cut.indexGraph) : null;
  const reader = indexReader(cut.indexGraph, index);
  return {
    cut,
    start: (values, batches, scored = []) =>
      startRun({ cut, step, forward, reader, parameters }, values, batches, scored),
    async close() {
      for (const session of [step, forward, index]) await session?.close();
    },
  };
}

interface Program {
  readonly cut: TableCut;
  readonly step: Session;
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
  // two buffers: a step reads one and fills the other
  const sets = [stateOf(program.parameters, compaction, true), stateOf(program.parameters, compaction, false)];
  const into = sets.map((set) =>
    Object.fromEntries(Object.entries(set).map(([name, value]) => [`next/${name}`, value])),
  );
  let steps = 0;
  const current = () => sets[steps % 2]!;
  return {
    async step(i, rate) {
      const { stepSize, scale2 } = adamScalars(rate, steps + 1);
      const { feeds, labels } = batches[i]!;
      const out = await program.step.run(
        {
          ...feeds,
          ...compaction.places[i],
          ...current(),
          label: { dtype: 'float32', shape: [labels.length], data: labels },
          'adam.stepSize': tensor('float32', [], [stepSize]),
          'adam.scale2': tensor('float32', [], [scale2]),
        },
        { into: into[(steps + 1) % 2]! },
      );
      steps += 1;
      return Number(out[program.step.outputs[0]!]!.data[0]);
    },
    async scores(i) {
      const out = await program.forward.run({ ...scored[i], ...compaction.places[batches.length + i], ...current() });
      return out[program.forward.outputs[0]!]!.data as Float32Array;
    },
    parameters: () => compaction.restore(new Map(program.parameters.map((name) => [name, copyOf(current()[name]!)]))),
  };
}

/** Parameters and moments by the step graph's input names, in newly allocated memory. */
function stateOf(names: readonly string[], compaction: Compaction, filled: boolean): Record<string, Tensor> {
  const out: Record<string, Tensor> = {};
  for (const name of names) {
    const source = compaction.parameters.get(name)!;
    const empty = (): Tensor => ({ ...source, data: new Float32Array(source.data.length) });
    out[name] = filled ? copyOf(source) : empty();
    out[`${name}.moment1`] = empty();
    out[`${name}.moment2`] = empty();
  }
  return out;
}

function copyOf(source: Tensor): Tensor {
  return { ...source, data: (source.data as Float32Array).slice() };
}
