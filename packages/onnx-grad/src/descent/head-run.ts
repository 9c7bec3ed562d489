/** A run of gradient descent on the parameters of a head, and the parts that can be blended into its logits. */

import type { Tensor } from '../graph/tensor.ts';
import type { Feeds } from '../session/session.ts';

/** The learning rate of each parameter. */
export type Rates = Readonly<Record<string, number>>;

/** By parameter, the inverse L2 strength of a logistic regression on it; parameters without one are left out. */
export type Strengths = Readonly<Record<string, number>>;

/** The values that the head reads from the body, for some rows. */
export interface BoundaryActivations {
  readonly rows: number;
  /** `[rows, ..]` each. */
  readonly perRow: Feeds;
  /** Values without a batch axis, which all rows share. */
  readonly shared: Feeds;
}

export interface HeadRun {
  /** One step on all of `rows` with their labels (0 or 1); returns the mean loss before it. */
  step(rows: Int32Array, labels: Float32Array, rates: Rates): Promise<number>;
  /** Scores of all rows of the boundary with the current parameters, `[rows]`. */
  scores(): Promise<Float32Array>;
  /**
   * Fits a logistic regression to `rows` of the boundary. Its features are the factors of the parameters in the linear
   * term; without such a term, this is a `not_linear` error.
   */
  fitLogistic(rows: Int32Array, labels: Uint8Array, strengths: Strengths): LogitPart;
  /** A change of one parameter as a part of the logits. Without a linear term, this is a `not_linear` error. */
  linear(change: LinearChange): LogitPart;
  /**
   * Adds parts to the logits. Over the `reference` rows, a part's weight and `own` (default: 1) have the same ratio as
   * the standard deviations of the part and of the current logits. Then the scale, if the program has one, restores the
   * standard deviation, and the intercept, if there is one, restores the mean. A part that is the same for all rows
   * adds nothing; an `own` of 0 leaves next to nothing of the current logits. Without a linear term, this is a
   * `not_linear` error.
   */
  blend(parts: readonly BlendedPart[], reference: Int32Array, own?: number): Promise<void>;
  /**
   * The current parameters, for a later `reset`. It must be called before a blend, which the position does not include.
   */
  position(): HeadPosition;
  /** Returns to a position, or to the start. */
  reset(to?: HeadPosition): void;
  /** The current full parameters. */
  parameters(): Map<string, Tensor>;
}

/** A change of one whole parameter. */
export interface LinearChange {
  readonly parameter: string;
  /** What is added to each element of the parameter. */
  readonly elements: Float64Array;
  /** What these additions contribute to the term of each row of the run, `[rows]`. */
  readonly own: Float64Array;
}

/** The parameters of a run at a point in time, which only that run can read. */
export interface HeadPosition {
  readonly values: ReadonlyMap<string, Float32Array | Float64Array>;
}

/** An addend of a run's logits that is linear in the parameters. */
export interface LogitPart {
  /** What the part adds to each row, `[rows]`. */
  readonly own: Float64Array;
  /** Moves the parameters so that the logits gain `factor` times the part. */
  add(factor: number): void;
}

export interface BlendedPart {
  readonly part: LogitPart;
  readonly weight: number;
}
