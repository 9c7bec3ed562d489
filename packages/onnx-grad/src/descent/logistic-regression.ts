/** L2-regularised logistic regression, fitted to convergence by Newton's method with conjugate gradients. */
import { assert } from '../errors.ts';

/** A feature matrix X, `[rows, width]`. The solver only needs products with X. */
export interface Design {
  readonly rows: number;
  readonly width: number;
  /** Computes the matrix product out = X * point; `point` is `[width]` or longer, `out` is `[rows]`. */
  multiply(point: Float64Array, out: Float64Array): void;
  /** Writes the matrix product X' * values to the first `width` entries of `out`. X' is the transpose of X. */
  multiplyTransposed(values: Float64Array, out: Float64Array): void;
  /** Computes the diagonal of the matrix product X' * diag(values) * X, where X' is the transpose of X. */
  multiplyTransposedSquares(values: Float64Array, out: Float64Array): void;
}

/** A fitted model: P(label = 1 | x) = sigmoid(weights . x + bias). */
export interface LogisticModel {
  /** `[width]` */
  readonly weights: Float64Array;
  readonly bias: number;
  /** The number of Newton steps that the fit took. */
  readonly steps: number;
  /** Whether the gradient fell below the tolerance. */
  readonly converged: boolean;
}

const LIMITS = { newtonSteps: 100, conjugateSteps: 200, halvings: 40 };
/** The solver has converged when no entry of the gradient exceeds this number; scikit-learn's default is 1e-4. */
const GRADIENT_TOLERANCE = 1e-6;
const ROUNDING = 1e-12;

/**
 * Minimises sum_i log(1 + exp(-y_i * z_i)) + sum_j w_j^2 / (2 * strengths_j) with z_i = w . x_i + b and y_i = +-1, the
 * objective of scikit-learn's `LogisticRegression(C=strength)`. The bias is not penalised. `strengths` has one value
 * per column, or a single value for all columns. The objective is strictly convex in w, so the result does not depend
 * on `start`, which only saves steps. `labels` are 0 or 1. If all labels are equal, no finite bias is optimal, and the
 * solver stops at its tolerance. `weights` multiply the rows' losses (scikit-learn's `sample_weight`).
 */
export function fitLogisticRegression(
  design: Design,
  labels: Uint8Array,
  strengths: Float64Array | number,
  {
    start,
    gradientTolerance = GRADIENT_TOLERANCE,
    weights,
  }: { start?: LogisticModel; gradientTolerance?: number; weights?: Float32Array } = {},
): LogisticModel {
  const { rows, width } = design;
  assert(labels.length === rows, `there are ${rows} rows, but ${labels.length} labels`);
  const penalties = penaltiesOf(strengths, width);
  const size = width + 1; // the last entry is the bias
  const point = new Float64Array(size);
  if (start !== undefined) {
    point.set(start.weights);
    point[width] = start.bias;
  }
  const logits = new Float64Array(labels.length);
  const trial = new Float64Array(labels.length);
  const slope = new Float64Array(labels.length);
  const gradient = new Float64Array(size);
  const curvature = new Float64Array(labels.length);
  const diagonal = new Float64Array(size);

  multiply(design, point, logits);
  let value = objectiveAlong(logits, { labels, weights }, point, point, 0, penalties);
  for (let step = 0; ; step++) {
    fillDerivatives(logits, { labels, weights }, slope, curvature);
    multiplyTransposed(design, slope, gradient);
    design.multiplyTransposedSquares(curvature, diagonal);
    for (let j = 0; j < width; j++) {
      gradient[j]! += penalties[j]! * point[j]!;
      diagonal[j]! += penalties[j]!;
    }
    diagonal[width] = Math.max(sumOf(curvature), 1e-12);
    const converged = largest(gradient) <= gradientTolerance;
    if (converged || step === LIMITS.newtonSteps) return model(point, step, converged);

    const direction = newtonDirection(design, curvature, diagonal, gradient, penalties);
    multiply(design, direction, slope);
    const descent = dot(gradient, direction);
    let length = 1;
    let halvings = 0;
    let next = Number.POSITIVE_INFINITY;
    for (; halvings < LIMITS.halvings; halvings++, length /= 2) {
      for (let i = 0; i < trial.length; i++) trial[i] = logits[i]! + length * slope[i]!;
      next = objectiveAlong(trial, { labels, weights }, point, direction, length, penalties);
      // The full Newton step is taken if the predicted decrease of the objective is below the rounding error of the
      // sum, because so small a decrease cannot be checked.
      if (next <= value + 1e-4 * length * descent || -descent <= ROUNDING * value) break;
    }
    if (halvings === LIMITS.halvings) return model(point, step, false);
    for (let j = 0; j < size; j++) point[j]! += length * direction[j]!;
    logits.set(trial);
    value = next;
  }
}

/** The reciprocals of the strengths, `[width]`. */
function penaltiesOf(strengths: Float64Array | number, width: number): Float64Array {
  const penaltyOf = (strength: number): number => {
    assert(strength > 0 && Number.isFinite(strength), `strength ${strength} is not positive`);
    return 1 / strength;
  };
  if (typeof strengths === 'number') return new Float64Array(width).fill(penaltyOf(strengths));
  assert(strengths.length === width, `there are ${strengths.length} strengths, but ${width} columns`);
  return strengths.map(penaltyOf);
}

function model(point: Float64Array, steps: number, converged: boolean): LogisticModel {
  const width = point.length - 1;
  return { weights: point.slice(0, width), bias: point[width]!, steps, converged };
}

/**
 * Solves H * d = -g with H = X' * diag(curvature) * X + diag(penalties) by conjugate gradients. The diagonal of H is
 * the preconditioner, and the tolerance shrinks with g.
 */
function newtonDirection(
  design: Design,
  curvature: Float64Array,
  diagonal: Float64Array,
  gradient: Float64Array,
  penalties: Float64Array,
): Float64Array {
  const size = gradient.length;
  const direction = new Float64Array(size);
  const residual = Float64Array.from(gradient, (g) => -g);
  const search = new Float64Array(size);
  const product = new Float64Array(size);
  const logits = new Float64Array(curvature.length);
  const norm = Math.sqrt(dot(gradient, gradient));
  const enough = norm * Math.min(0.1, Math.sqrt(norm) / 10);
  for (let j = 0; j < size; j++) search[j] = residual[j]! / diagonal[j]!;
  let rho = dot(residual, search);
  for (let step = 0; step < LIMITS.conjugateSteps && dot(residual, residual) > enough * enough; step++) {
    multiply(design, search, logits);
    for (let i = 0; i < logits.length; i++) logits[i]! *= curvature[i]!;
    multiplyTransposed(design, logits, product);
    for (let j = 0; j < design.width; j++) product[j]! += penalties[j]! * search[j]!;
    const length = rho / dot(search, product);
    if (!Number.isFinite(length)) break;
    for (let j = 0; j < size; j++) {
      direction[j]! += length * search[j]!;
      residual[j]! -= length * product[j]!;
    }
    let nextRho = 0;
    for (let j = 0; j < size; j++) nextRho += (residual[j]! * residual[j]!) / diagonal[j]!;
    const keep = nextRho / rho;
    for (let j = 0; j < size; j++) search[j] = residual[j]! / diagonal[j]! + keep * search[j]!;
    rho = nextRho;
  }
  return direction;
}

/** Computes out[i] = x_i . point + bias. */
function multiply(design: Design, point: Float64Array, out: Float64Array): void {
  design.multiply(point, out);
  const bias = point[design.width]!;
  for (let i = 0; i < out.length; i++) out[i]! += bias;
}

/** Computes the matrix product out = X' * values. The last column of X contains ones, for the bias. */
function multiplyTransposed(design: Design, values: Float64Array, out: Float64Array): void {
  design.multiplyTransposed(values, out);
  out[design.width] = sumOf(values);
}

interface Observed {
  readonly labels: Uint8Array;
  readonly weights: Float32Array | undefined;
}

/** Computes slope_i = sigmoid(z_i) - label_i and curvature_i = sigmoid(z_i) * (1 - sigmoid(z_i)), times the weights. */
function fillDerivatives(
  logits: Float64Array,
  { labels, weights }: Observed,
  slope: Float64Array,
  curvature: Float64Array,
): void {
  for (let i = 0; i < logits.length; i++) {
    const p = 1 / (1 + Math.exp(-logits[i]!));
    const weight = weights ? weights[i]! : 1;
    slope[i] = weight * (p - labels[i]!);
    curvature[i] = weight * (p * (1 - p));
  }
}

/** The objective at point + length * direction. `logits` are the logits at that position. */
function objectiveAlong(
  logits: Float64Array,
  { labels, weights }: Observed,
  point: Float64Array,
  direction: Float64Array,
  length: number,
  penalties: Float64Array,
): number {
  let loss = 0;
  for (let i = 0; i < logits.length; i++) {
    const margin = labels[i] === 1 ? logits[i]! : -logits[i]!;
    const own = margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
    loss += weights ? weights[i]! * own : own;
  }
  let penalty = 0;
  for (let j = 0; j < penalties.length; j++) {
    const w = point[j]! + length * direction[j]!;
    penalty += (penalties[j]! * w * w) / 2;
  }
  return loss + penalty;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}
