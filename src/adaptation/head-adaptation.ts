/**
 * Adaptation of a few parameters: what does not depend on them is computed once a user, and steps of gradient descent
 * run on the rest.
 */
import { cutTables, findLinearTerm, type Graph, type Split, splitFrozen, type Tensor } from '../graph/index.ts';
import { putFeed } from '../runtime/feed-rows.ts';
import { type Device, type Feeds, openSession } from '../runtime/session.ts';
import type { Parameters } from './compaction.ts';
import { buildDescentGraph, openGraphProgram } from './graph-run.ts';
import { buildLinkStep, openLinearProgram } from './linear-run.ts';

/** Rows of the body that are computed in one run. */
const BODY_ROWS = 2048;

/** The rate of each parameter's gradient descent. */
export type Rates = Readonly<Record<string, number>>;

/**
 * The inverse L2 strength of the parameters that a logistic regression is fitted on; those without one take no part.
 */
export type Strengths = Readonly<Record<string, number>>;

/** Values of the boundary for some users: `[rows, ..]` each, but for those of the campaign alone, which all share. */
export interface BoundaryActivations {
  readonly rows: number;
  readonly perUser: Feeds;
  readonly shared: Feeds;
}

export interface HeadProgram {
  /** Whether the parameters only shift logits: then a run can blend regressions in. */
  readonly isLinear: boolean;
  /** Computes the boundary of `rows` users with `parameters`; `feedsOf` gives the model's inputs of a range of them. */
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
  /** Scores of all rows of the boundary with the parameters as they are now. */
  scores(): Promise<Float32Array>;
  /**
   * Fits the logistic regression (`companion` in manifest.json) to rows of the boundary. invalid_model where the
   * parameters do not act through a linear term.
   */
  fitLogistic(rows: Int32Array, labels: Uint8Array, strengths: Strengths): LogitPart;
  /** A linear change as a part. invalid_model as above. */
  linear(change: LinearChange): LogitPart;
  /**
   * Adds parts to the logits, each `weight` times as spread over the `reference` rows as the logits are now, then
   * brings the spread of the sum back to what it was, by the scale if the model has one, and the mean by an intercept.
   * A part without a spread adds nothing. invalid_model as above.
   */
  blend(parts: readonly BlendedPart[], reference: Int32Array): Promise<void>;
  /** Where the steps have brought the parameters, to go back to before a blend. */
  position(): HeadPosition;
  /** Back to a position, or to the start. */
  reset(to?: HeadPosition): void;
  /** The full parameters as they are now. */
  parameters(): Map<string, Tensor>;
}

/** A direction in which one parameter is moved as a whole. */
export interface LinearChange {
  readonly parameter: string;
  /** By element of the parameter. */
  readonly elements: Float64Array;
  /** What `elements` add to the term of each row of the run. */
  readonly own: Float64Array;
}

/** Of one run; its values are the run's own business. */
export interface HeadPosition {
  readonly values: ReadonlyMap<string, Float32Array | Float64Array>;
}

/** What may be added to the logits of a run, of whose parameters it is a linear function. */
export interface LogitPart {
  /** By row of the run. */
  readonly own: Float64Array;
  /** Moves the parameters so that `factor` times as much is added. */
  add(factor: number): void;
}

export interface BlendedPart {
  readonly part: LogitPart;
  readonly weight: number;
}

/**
 * `graph` split at `parameters`. All its float parameters are inputs, so that a model which is being trained needs no
 * new session.
 */
export function splitHeads(graph: Graph, parameters: readonly string[]): Split {
  const all = [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  return splitFrozen(cutTables(graph, all, { compact: false }).compactGraph, parameters);
}

/**
 * The graphs that descent on `parameters` of `graph` runs: the body once a user (null where there is none), then `step`
 * again and again.
 */
export function headGraphs(graph: Graph, parameters: readonly string[]): { body: Graph | null; step: Graph } {
  const { body, head } = splitHeads(graph, parameters);
  const term = findLinearTerm(head, parameters);
  const step = term ? buildLinkStep(term) : buildDescentGraph(cutTables(head, parameters).compactGraph, parameters);
  return { body, step };
}

/**
 * Prepares descent on `parameters` of `graph`. Where they only shift logits it is done in plain arrays, else by running
 * the head as a graph. `regression` is one of them that no step moves, and `scale` none of them: both are for `blend`
 * alone.
 */
export async function openHeadProgram(
  graph: Graph,
  parameters: readonly string[],
  options: { device?: Device; regression?: string; scale?: string } = {},
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
        // a frozen parameter that the head reads itself is of the boundary too
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
