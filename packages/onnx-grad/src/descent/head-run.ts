/** A run of gradient descent on the parameters of a head, and the parts that can be blended into its logits. */

import type { Tensor } from '../graph/tensor.ts';
import type { Feeds } from '../session/session.ts';

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
