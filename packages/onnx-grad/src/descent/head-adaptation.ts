/**
 * Adaptation of a few parameters: everything that does not depend on them is computed once per user, and steps of
 * gradient descent run on the rest.
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

/** Rows of the body computed in one run. */
const BODY_ROWS = 2048;

export interface HeadProgram {
  /** Whether the parameters only shift logits, so that a run can blend in regressions. */
  readonly isLinear: boolean;
  /**
   * Computes the boundary of `rows` users with `parameters`; `feedsOf` returns the model's inputs for a range of them.
   */
  boundary(
    parameters: Parameters,
    rows: number,
    feedsOf: (from: number, to: number) => Feeds,
  ): Promise<BoundaryActivations>;
  /** Starts from `parameters` on users of `boundary`. */
  start(parameters: Parameters, boundary: BoundaryActivations): Promise<HeadRun>;
  close(): Promise<void>;
}

/**
 * `graph` split at `parameters`. All its float parameters are inputs, so that a model in training needs no new session.
 */
export function splitHeads(graph: Graph, parameters: readonly string[]): Split {
  const all = [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  return splitFrozen(cutTables(graph, all, { compact: false }).compactGraph, parameters);
}

/**
 * The graphs that descent on `parameters` of `graph` runs: the body once per user (null if there is none), then `step`
 * repeatedly.
 */
export function headGraphs(graph: Graph, parameters: readonly string[]): { body: Graph | null; step: Graph } {
  const { body, head } = splitHeads(graph, parameters);
  const term = findLinearTerm(head, parameters);
  const step = term ? buildLinkStep(term) : buildDescentGraph(cutTables(head, parameters).compactGraph, parameters);
  return { body, step };
}

/**
 * Prepares descent on `parameters` of `graph`. If they only shift logits, it runs in plain arrays, otherwise it runs
 * the head as a graph. `regression` is one of them that no step moves, `scale` is not one of them: both are only for
 * `blend`.
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
  const isPerUser = (name: string) => head.values.get(name)!.shape[0] === batch;
  return {
    isLinear: term !== null,
    async boundary(values, rows, feedsOf) {
      const fixed = Object.fromEntries(values);
      const perUser: Record<string, Tensor> = {};
      const shared: Record<string, Tensor> = {};
      for (let from = 0; from < rows; from += BODY_ROWS) {
        const to = Math.min(from + BODY_ROWS, rows);
        const feeds = feedsOf(from, to);
        const given = { ...feeds, ...fixed };
        // a frozen parameter that the head reads directly is part of the boundary too
        const out: Feeds = { ...given, ...(bodySession ? await bodySession.run(given) : {}) };
        for (const name of boundaryNames) {
          const part = out[name]!;
          if (!isPerUser(name)) shared[name] = part;
          else putFeed(perUser, name, part, from, rows);
        }
      }
      return { rows, perUser, shared };
    },
    start: (values, boundary) => program.start(values, boundary),
    async close() {
      await bodySession?.close();
      await program.close();
    },
  };
}
