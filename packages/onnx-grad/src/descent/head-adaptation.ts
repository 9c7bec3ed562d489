/**
 * Adaptation of a few parameters: everything that does not depend on them is computed once per user, and steps of
 * gradient descent run on the rest.
 */

import type { Parameters } from '../adam/compaction.ts';
import type { Graph, Tensor } from '../graph/ir.ts';
import { cutTables } from '../rewrite/cut-tables.ts';
import { findLinearTerm } from '../rewrite/find-linear-term.ts';
import { type Split, splitFrozen } from '../rewrite/split-frozen.ts';
import { putFeed } from '../session/feed-rows.ts';
import { type Feeds, openSession, type SessionOptions } from '../session/session.ts';
import { buildDescentGraph, openGraphProgram } from './graph-run.ts';
import { buildLinkStep, openLinearProgram } from './linear-run.ts';

/** Rows of the body computed in one run. */
const BODY_ROWS = 2048;

/** The rate of each parameter's gradient descent. */
export type Rates = Readonly<Record<string, number>>;

/**
 * The inverse L2 strength of the parameters that a logistic regression is fitted on; those without one are not used.
 */
export type Strengths = Readonly<Record<string, number>>;

/** Values of the boundary for some users: `[rows, ..]` each, except campaign-only values, which all share. */
export interface BoundaryActivations {
  readonly rows: number;
  readonly perUser: Feeds;
  readonly shared: Feeds;
}

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

export interface HeadRun {
  /** One full-batch step on rows of the boundary; returns the loss before it. */
  step(rows: Int32Array, labels: Float32Array, rates: Rates): Promise<number>;
  /** Scores of all rows of the boundary with the current parameters. */
  scores(): Promise<Float32Array>;
  /**
   * Fits the logistic regression (`companion` in manifest.json) to rows of the boundary. invalid_model if the
   * parameters do not act through a linear term.
   */
  fitLogistic(rows: Int32Array, labels: Uint8Array, strengths: Strengths): LogitPart;
  /** A linear change as a part. invalid_model as above. */
  linear(change: LinearChange): LogitPart;
  /**
   * Adds parts to the logits, so that their spreads over the `reference` rows are to that of the current logits as
   * their weights are to `own` (default: 1), then restores the spread, by the scale if the model has one, and the mean
   * by an intercept. A part without a spread adds nothing; with an `own` of 0 next to nothing is left of the current
   * logits. invalid_model as above.
   */
  blend(parts: readonly BlendedPart[], reference: Int32Array, own?: number): Promise<void>;
  /** The parameters' current position, to return to before a blend. */
  position(): HeadPosition;
  /** Returns to a position, or to the start. */
  reset(to?: HeadPosition): void;
  /** The current full parameters. */
  parameters(): Map<string, Tensor>;
}

/** A direction in which one whole parameter is moved. */
export interface LinearChange {
  readonly parameter: string;
  /** By element of the parameter. */
  readonly elements: Float64Array;
  /** The amount that `elements` add to the term of each row of the run. */
  readonly own: Float64Array;
}

/** A position of one run; its values are private to the run. */
export interface HeadPosition {
  readonly values: ReadonlyMap<string, Float32Array | Float64Array>;
}

/** A part that can be added to the logits of a run, linear in its parameters. */
export interface LogitPart {
  /** By row of the run. */
  readonly own: Float64Array;
  /** Moves the parameters so that `factor` times the part is added. */
  add(factor: number): void;
}

export interface BlendedPart {
  readonly part: LogitPart;
  readonly weight: number;
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
