/**
 * Gradient descent on a few parameters of a graph. The part of the graph that does not depend on these parameters (the
 * body) is computed once per row. Steps run only the rest of the graph (the head).
 */

import type { Parameters } from '../adam/compaction.ts';
import type { Graph } from '../graph/ir.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cutTables } from '../rewrite/cut-tables.ts';
import { findLinearTerm } from '../rewrite/find-linear-term.ts';
import { type Split, splitFrozen } from '../rewrite/split-frozen.ts';
import { putFeed } from '../session/feed-rows.ts';
import { type Feeds, openSession, type SessionOptions } from '../session/session.ts';
import { buildDescentGraph, openGraphProgram } from './graph-run.ts';
import type { BoundaryActivations, HeadRun } from './head-run.ts';
import { buildLinkStep, openLinearProgram } from './linear-run.ts';

/** Maximum number of rows per run of the body. */
const BODY_ROWS = 2048;

export interface HeadProgram {
  /** Whether the parameters act through a linear term, so that a run can blend other parts into its logits. */
  readonly isLinear: boolean;
  /** Runs the body on `rows` rows. `feedsOf` returns the graph's inputs for rows `from` to `to - 1`. */
  boundary(
    parameters: Parameters,
    rows: number,
    feedsOf: (from: number, to: number) => Feeds,
  ): Promise<BoundaryActivations>;
  /** Starts a run from `parameters` on the rows of `boundary`. */
  start(parameters: Parameters, boundary: BoundaryActivations): Promise<HeadRun>;
  close(): Promise<void>;
}

/**
 * `graph` split at `parameters`. All float32 parameters become inputs, so that sessions can be reused with new values.
 */
export function splitHeads(graph: Graph, parameters: readonly string[]): Split {
  const all = [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  return splitFrozen(cutTables(graph, all, { compact: false }).compactGraph, parameters);
}

/**
 * Returns the graphs that gradient descent on `parameters` of `graph` runs: `body` once per row (null if there is no
 * body), then `step` repeatedly.
 */
export function headGraphs(graph: Graph, parameters: readonly string[]): { body: Graph | null; step: Graph } {
  const { body, head } = splitHeads(graph, parameters);
  const term = findLinearTerm(head, parameters);
  const step = term ? buildLinkStep(term) : buildDescentGraph(cutTables(head, parameters).compactGraph, parameters);
  return { body, step };
}

/**
 * Prepares gradient descent on `parameters` of `graph`, and opens the sessions. The first output of `graph` is the
 * score, `[batch]`. If the parameters act through a linear term, steps are computed on plain arrays, otherwise by a
 * graph. Only `blend` uses the options `regression` (one of `parameters`, which steps do not change) and `scale` (not
 * one of `parameters`). A graph that cannot be split or differentiated causes a GraphError.
 */
export async function openHeadProgram(
  graph: Graph,
  parameters: readonly string[],
  options: SessionOptions & { regression?: string; scale?: string } = {},
): Promise<HeadProgram> {
  const { body, head } = splitHeads(graph, parameters);
  const bodySession = body ? await openSession(body, options) : null;
  const term = findLinearTerm(head, parameters);
  const program = term
    ? await openLinearProgram(term, parameters, options)
    : await openGraphProgram(head, parameters, options);
  const boundaryNames = head.inputs.filter((name) => !parameters.includes(name));
  const [batch] = graph.values.get(graph.outputs[0]!)!.shape;
  const isPerRow = (name: string) => head.values.get(name)!.shape[0] === batch;
  return {
    isLinear: term !== null,
    async boundary(values, rows, feedsOf) {
      const fixed = Object.fromEntries(values);
      const perRow: Record<string, Tensor> = {};
      const shared: Record<string, Tensor> = {};
      for (let from = 0; from < rows; from += BODY_ROWS) {
        const to = Math.min(from + BODY_ROWS, rows);
        const feeds = feedsOf(from, to);
        const given = { ...feeds, ...fixed };
        // the head may also read a parameter that is not adapted
        const out: Feeds = { ...given, ...(bodySession ? await bodySession.run(given) : {}) };
        for (const name of boundaryNames) {
          const part = out[name]!;
          if (!isPerRow(name)) shared[name] = part;
          else putFeed(perRow, name, part, from, rows);
        }
      }
      return { rows, perRow, shared };
    },
    start: (values, boundary) => program.start(values, boundary),
    async close() {
      await bodySession?.close();
      await program.close();
    },
  };
}
