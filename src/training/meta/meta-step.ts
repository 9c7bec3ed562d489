/** Second-order MAML: the gradient of a task's query loss through its inner step, as one graph. */

import {
  addGradients,
  Builder,
  binaryCrossEntropy,
  compact,
  cutTables,
  type Device,
  descentStep,
  type Graph,
  indexReader,
  type LabelledBatch,
  needsIndexSession,
  openSession,
  type Parameters,
  prune,
  type Tensor,
  tensor,
  type Value,
} from '../../../packages/onnx-grad/index.ts';

/** The two disjoint batches of one campaign. */
export interface Episode {
  readonly support: LabelledBatch;
  readonly query: LabelledBatch;
}

/**
 * The graph computes theta' = theta - alpha * grad L(theta; support), then L(theta'; query) and the gradient of
 * L(theta'; query) with respect to theta, through the inner step. With `firstOrder`, the gradient is taken at theta'.
 *
 * Inputs: `support/<input>`, `query/<input>` for the inputs of the compact graph that are not parameters, the
 * parameters, `support/label`, `query/label`, `inner.rate`. Outputs: `loss`, then `grad/<parameter>` in order.
 */
function buildMetaGraph(
  compactGraph: Graph,
  parameters: readonly string[],
  options: { firstOrder?: boolean } = {},
): Graph {
  const b = new Builder();
  const theta = new Map<string, Value>(parameters.map((name) => [name, copyInput(b, compactGraph, name, '')]));
  const rate = b.input('inner.rate', 'float32', []);

  const lossOf = (side: 'support' | 'query', values: ReadonlyMap<string, Value>): Value => {
    const feeds = compactGraph.inputs
      .filter((name) => !theta.has(name))
      .map((name): [string, Value] => [name, copyInput(b, compactGraph, name, `${side}/`)]);
    const score = b.inline(compactGraph, new Map([...values, ...feeds]), `${side}/`).get(compactGraph.outputs[0]!)!;
    return binaryCrossEntropy(b, score, b.input(`${side}/label`, 'float32', score.shape));
  };

  const supportLoss = lossOf('support', theta);
  const inner = addGradients(b, b.build('inner', [supportLoss]), supportLoss, [...theta.values()]);
  const stepped = new Map(
    [...theta].map(([name, value]) => [name, b.named('inner/', () => descentStep(b, value, inner.get(name)!, rate))]),
  );
  const queryLoss = lossOf('query', stepped);
  const wanted = [...(options.firstOrder ? stepped : theta).values()];
  const outer = addGradients(b, b.build('outer', [queryLoss]), queryLoss, wanted);
  const outputs = wanted.map((value, i) =>
    b.add('Identity', [outer.get(value.name)!], {}, { name: `grad/${parameters[i]}` }),
  );
  return prune(
    b.build('meta_step', [b.add('Identity', [queryLoss], {}, { name: 'loss', outputs: ['query_loss'] }), ...outputs]),
  );
}

/** Declares the input `name` of `graph` for one side (support or query), with dimension names specific to that side. */
export function copyInput(b: Builder, graph: Graph, name: string, side: string): Value {
  const { dtype, shape } = graph.values.get(name)!;
  return b.input(
    `${side}${name}`,
    dtype,
    shape.map((dim) => (typeof dim === 'string' && side !== '' ? `${side}${dim}` : dim)),
  );
}

/** The meta gradient of a task, as plain data, because it may come from another thread. */
export interface MetaGradient {
  /** Query loss after the inner step. */
  readonly loss: number;
  readonly parts: ReadonlyMap<string, GradientPart>;
}

/**
 * The gradient of one parameter. `rows` are the rows of the full gradient that `data` contains; null if `data` contains
 * all rows.
 */
interface GradientPart {
  readonly rows: Int32Array | null;
  readonly data: Float32Array;
}

/** Adds `weight` times the gradient to full-sized gradients. */
export function addGradient(
  gradients: ReadonlyMap<string, Float32Array>,
  { parts }: MetaGradient,
  weight: number,
): void {
  for (const [name, { rows, data }] of parts) {
    const full = gradients.get(name)!;
    if (rows) addWeightedRows(full, rows, data, weight);
    else addWeighted(full, 0, data, 0, data.length, weight);
  }
}

function addWeightedRows(full: Float32Array, rows: Int32Array, data: Float32Array, weight: number): void {
  const width = data.length / Math.max(rows.length, 1);
  for (let i = 0; i < rows.length; i++) addWeighted(full, rows[i]! * width, data, i * width, width, weight);
}

/** full[at + j] += weight * data[from + j] for each j < count. */
function addWeighted(
  full: Float32Array,
  at: number,
  data: Float32Array,
  from: number,
  count: number,
  weight: number,
): void {
  for (let j = 0; j < count; j++) full[at + j]! += Math.fround(data[from + j]! * weight);
}

export interface MetaProgram {
  /** Computes the meta gradient of one task. */
  run(parameters: Parameters, episode: Episode, innerRate: number): Promise<MetaGradient>;
  close(): Promise<void>;
}

/** Differentiates `graph` twice and opens its sessions. */
export async function openMetaProgram(
  graph: Graph,
  parameters: readonly string[],
  options: { firstOrder?: boolean; device?: Device; compact?: boolean } = {},
): Promise<MetaProgram> {
  return openEpisodeProgram(
    graph,
    parameters,
    (compactGraph) => buildMetaGraph(compactGraph, parameters, options),
    options,
  );
}

/**
 * A program of the graph that `build` makes from the compact graph. Inputs and outputs are as in `buildMetaGraph`
 * (`inner.rate` may be missing).
 */
export async function openEpisodeProgram(
  graph: Graph,
  parameters: readonly string[],
  build: (compactGraph: Graph) => Graph,
  options: { device?: Device; compact?: boolean },
): Promise<MetaProgram> {
  const cut = cutTables(graph, parameters, { compact: options.compact ?? true });
  const session = await openSession(build(cut.compactGraph), { ...options, keepsMemory: true });
  const index = needsIndexSession(cut.indexGraph) ? await openSession(cut.indexGraph) : null;
  const reader = indexReader(cut.indexGraph, index);
  return {
    async run(values, { support, query }, innerRate) {
      const compaction = await compact(cut, values, reader, [support.feeds, query.feeds]);
      const feeds: Record<string, Tensor> = {
        ...Object.fromEntries(compaction.parameters),
        'inner.rate': tensor('float32', [], [innerRate]),
      };
      for (const [i, [side, batch]] of (
        Object.entries({ support, query }) as ['support' | 'query', LabelledBatch][]
      ).entries()) {
        for (const [name, feed] of Object.entries({ ...batch.feeds, ...compaction.places[i] }))
          feeds[`${side}/${name}`] = feed;
        feeds[`${side}/label`] = { dtype: 'float32', shape: [batch.labels.length], data: batch.labels };
      }
      const out = await session.run(feeds);
      const parts = parameters.map((name, i): [string, GradientPart] => [
        name,
        { rows: compaction.rows.get(name) ?? null, data: out[session.outputs[i + 1]!]!.data as Float32Array },
      ]);
      return { loss: Number(out[session.outputs[0]!]!.data[0]), parts: new Map(parts) };
    },
    async close() {
      await session.close();
      await index?.close();
    },
  };
}
