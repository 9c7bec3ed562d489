/** A run of gradient descent on the parameters of a head, and the parts that can be blended into its logits. */

import type { Tensor } from '../graph/tensor.ts';
import type { Feeds } from '../session/session.ts';

/** The learning rate of each parameter. */
export type Rates = Readonly<Record<string, number>>;

/**
 * The inverse L2 penalty for each parameter in a logistic regression. Parameters without an entry are left out of the
 * regression.
 */
export type Strengths = Readonly<Record<string, number>>;

/** The values that the head reads from the body, for some rows. */
export interface BoundaryActivations {
  readonly rows: number;
  /** The values with a batch axis, `[rows, ..]`. */
  readonly perRow: Feeds;
  /** Values without a batch axis; all rows share them. */
  readonly shared: Feeds;
}

export interface HeadRun {
  /**
   * Takes one step on all of `rows` with their labels (0 or 1). `weights` multiply the rows' losses before the mean is
   * taken, as in PyTorch's BCELoss.
   */
  step(rows: Int32Array, labels: Float32Array, rates: Rates, weights?: Float32Array): Promise<void>;
  /** Returns the scores of all rows of the boundary under the current parameters, `[rows]`. */
  scores(): Promise<Float32Array>;
  /**
   * Fits a logistic regression to `rows` of the boundary. The features of the regression are the coefficients of the
   * parameters in the linear term. `weights` multiply the losses of the rows.
   */
  fitLogistic(rows: Int32Array, labels: Uint8Array, strengths: Strengths, weights?: Float32Array): LogitPart;
  /** Returns a change to one parameter as a part of the logits. */
  linear(change: LinearChange): LogitPart;
  /**
   * Adds parts to the logits. `own` (default: 1) is the weight of the current logits. Each part is scaled so that, over
   * the `reference` rows, the standard deviations of the part and of the current logits have the same ratio as their
   * weights. Then, if the program has a scale, the scale restores the standard deviation of the logits; if there is an
   * intercept, the intercept restores their mean. A part that is equal for all rows adds nothing. If `own` is 0, almost
   * nothing of the current logits remains.
   */
  blend(parts: readonly BlendedPart[], reference: Int32Array, own?: number): Promise<void>;
  /**
   * Returns the current parameters, for a later `reset`. Call this function before `blend`, because the returned
   * position does not include blended parts.
   */
  position(): HeadPosition;
  /** Resets the parameters to a position, or to the start. */
  reset(to?: HeadPosition): void;
  /** Returns the current parameters, including all rows of tables. */
  parameters(): Map<string, Tensor>;
}

/** A change to all elements of one parameter. */
export interface LinearChange {
  readonly parameter: string;
  /** The number that is added to each element of the parameter. */
  readonly elements: Float64Array;
  /** The amount that the change adds to each row's linear term, `[rows]`. */
  readonly own: Float64Array;
}

/** A snapshot of the parameters of a run. Only the same run can read the snapshot. */
export interface HeadPosition {
  readonly values: ReadonlyMap<string, Float32Array | Float64Array>;
}

/** A part of a run's logits that is linear in the parameters. */
export interface LogitPart {
  /** The amount that the part adds to the logit of each row, `[rows]`. */
  readonly own: Float64Array;
  /** Changes the parameters so that the logits increase by `factor` times the part. */
  add(factor: number): void;
}

export interface BlendedPart {
  readonly part: LogitPart;
  readonly weight: number;
}
