/**
 * Gradient descent on parameters anywhere in the head. The head is differentiated once; each step runs the resulting
 * graph.
 */

import { type Compaction, compact, indexReader, type Parameters } from '../adam/compaction.ts';
import { OnnxGradError } from '../errors.ts';
import { binaryCrossEntropy } from '../graph/binary-cross-entropy.ts';
import { Builder } from '../graph/builder.ts';
import { descentStep } from '../graph/descent.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph } from '../graph/ir.ts';
import { type Tensor, tensor } from '../graph/tensor.ts';
import { cutTables } from '../rewrite/cut-tables.ts';
import { sliceFeeds, takeFeeds } from '../session/feed-rows.ts';
import { type Feeds, openSession, type Session, type SessionOptions } from '../session/session.ts';
import type { BoundaryActivations, HeadPosition, HeadRun, LogitPart, Rates } from './head-run.ts';

/** Maximum number of rows per run when scoring. */
const SCORE_ROWS = 2048;

export interface GraphProgram {
  start(parameters: Parameters, boundary: BoundaryActivations): Promise<HeadRun>;
  close(): Promise<void>;
}

/**
 * The graph of a step. Its inputs are the inputs of the head, `label` `[batch]` and `rate/<parameter>`. Its outputs are
 * `loss` and the updated parameters, `next/<parameter>`.
 */
export function buildDescentGraph(head: Graph, parameters: readonly string[]): Graph {
  const b = Builder.from(head);
  const score = b.get(head.outputs[0]!);
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
  const values = parameters.map((name) => b.get(name));
  const gradients = addGradients(b, b.build('loss', [loss]), loss, values);
  const next = values.map((value) => {
    const stepped = descentStep(b, value, gradients.get(value.name)!, b.input(`rate/${value.name}`, 'float32', []));
    return b.add('Identity', [stepped], {}, { name: `next/${value.name}` });
  });
  return b.build(`${head.name}_step`, [loss, ...next]);
}

export async function openGraphProgram(
  head: Graph,
  parameters: readonly string[],
  options: SessionOptions = {},
): Promise<GraphProgram> {
  const cut = cutTables(head, parameters);
  const step = await openSession(buildDescentGraph(cut.compactGraph, parameters), options);
  const forward = await openSession(cut.compactGraph, options);
  // the row numbers of a look-up are part of the boundary, or the index graph computes them from the boundary
  const index = cut.indexGraph.nodes.length > 0 ? await openSession(cut.indexGraph) : null;
  const reader = indexReader(cut.indexGraph, index);
  return {
    async start(values, boundary) {
      const own = new Map(parameters.map((name) => [name, values.get(name)!]));
      const compaction = await compact(cut, own, reader, [{ ...boundary.perRow, ...boundary.shared }]);
      return new GraphRun(compaction, boundary, parameters, step, forward);
    },
    async close() {
      for (const session of [step, forward, index]) await session?.close();
    },
  };
}

class GraphRun implements HeadRun {
  readonly #compaction: Compaction;
  readonly #perRow: Feeds;
  readonly #shared: Feeds;
  readonly #rows: number;
  readonly #parameters: readonly string[];
  readonly #step: Session;
  readonly #forward: Session;
  #current: Record<string, Tensor>;

  constructor(
    compaction: Compaction,
    boundary: BoundaryActivations,
    parameters: readonly string[],
    step: Session,
    forward: Session,
  ) {
    this.#compaction = compaction;
    const wanted = (feeds: Feeds): Feeds =>
      Object.fromEntries(Object.entries(feeds).filter(([name]) => forward.inputs.includes(name)));
    this.#perRow = { ...wanted(boundary.perRow), ...compaction.places[0]! };
    this.#shared = wanted(boundary.shared);
    this.#rows = boundary.rows;
    this.#parameters = parameters;
    this.#step = step;
    this.#forward = forward;
    this.#current = Object.fromEntries(compaction.parameters);
  }

  async step(rows: Int32Array, labels: Float32Array, rates: Rates): Promise<void> {
    const feeds = {
      ...takeFeeds(this.#perRow, rows),
      ...this.#shared,
      ...this.#current,
      ...Object.fromEntries(this.#parameters.map((name) => [`rate/${name}`, tensor('float32', [], [rates[name]!])])),
      label: { dtype: 'float32' as const, shape: [labels.length], data: labels },
    };
    const out = await this.#step.run(feeds);
    this.#current = Object.fromEntries(this.#parameters.map((name) => [name, out[`next/${name}`]!]));
  }

  async scores(): Promise<Float32Array> {
    const out = new Float32Array(this.#rows);
    for (let from = 0; from < this.#rows; from += SCORE_ROWS) {
      const to = Math.min(from + SCORE_ROWS, this.#rows);
      const result = await this.#forward.run({
        ...sliceFeeds(this.#perRow, from, to),
        ...this.#shared,
        ...this.#current,
      });
      out.set(result[this.#forward.outputs[0]!]!.data as Float32Array, from);
    }
    return out;
  }

  fitLogistic(): LogitPart {
    return this.#refuse('a logistic regression');
  }

  linear(): LogitPart {
    return this.#refuse('a linear change');
  }

  async blend(): Promise<void> {
    this.#refuse('a blend');
  }

  #refuse(what: string): never {
    throw new OnnxGradError(
      'not_linear',
      `${what} needs parameters that only shift logits, but ${this.#parameters} have other effects`,
    );
  }

  position(): HeadPosition {
    return { values: new Map(this.#parameters.map((name) => [name, this.#current[name]!.data as Float32Array])) };
  }

  reset(to?: HeadPosition): void {
    const start = [...this.#compaction.parameters];
    // a step returns new tensors and never writes into existing ones, so no copy is needed
    this.#current = Object.fromEntries(
      start.map(([name, value]) => [name, to ? { ...value, data: to.values.get(name) as Float32Array } : value]),
    );
  }

  parameters(): Map<string, Tensor> {
    return this.#compaction.restore(new Map(Object.entries(this.#current)));
  }
}
