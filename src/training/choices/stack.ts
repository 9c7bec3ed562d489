/**
 * A non-negative stack of logits. The weight of each part is fitted to the members and other users of all past
 * campaigns together.
 */
import { type Share, weightFor } from '../../model/blend.ts';
import type { TrialLogits } from './head-trials.ts';

/** Maximum number of Newton steps; a fit takes about a dozen. */
const MOST_STEPS = 50;
/** The fit ends when a step gains less than this share of the loss. */
const ENOUGH = 1e-9;

export interface StackOptions {
  /** The weights towards which the fit is shrunk. */
  readonly towards: readonly Share[];
  /** The strength of the shrinkage, expressed as a number of campaigns that weigh about as much. */
  readonly strength: number;
}

/** A trial, with the basis of the weights at its number of seeds. */
interface StackTrial {
  readonly columns: readonly Float32Array[];
  readonly labels: Uint8Array;
  /** The coefficients of `few` and of `many`. */
  readonly basis: readonly [number, number];
  /** Weight of each row in the loss. */
  readonly rowWeight: number;
  intercept: number;
}

/**
 * Minimises the mean log loss per member of the campaigns' trials (each campaign counts once), with an intercept for
 * each trial, plus strength / 2 * |shares - towards|^2. No share is negative. This is a convex problem, which projected
 * Newton steps solve. The intercepts are eliminated: they take their best values for the given shares.
 */
export function fitStack(campaigns: readonly (readonly TrialLogits[])[], options: StackOptions): Share[] {
  const { towards, strength } = options;
  const trials = campaigns.flatMap((own) => own.map((trial) => prepare(trial, own.length)));
  const target = Float64Array.from(towards.flatMap(({ few, many }) => [few, many]));
  let weights = target.slice();
  let current = evaluate(trials, weights, target, strength);
  for (let step = 0; step < MOST_STEPS; step++) {
    const goal = solveNonNegative(current.hessian, current.gradient, weights);
    let next = current;
    let length = 1;
    let moved = weights;
    do {
      moved = weights.map((w, i) => w + length * (goal[i]! - w));
      next = evaluate(trials, moved, target, strength);
      length /= 2;
    } while (next.loss > current.loss && length > 1e-3);
    if (next.loss > current.loss) break;
    const gain = current.loss - next.loss;
    weights = moved;
    current = next;
    if (gain <= ENOUGH * Math.abs(current.loss)) break;
  }
  return towards.map((_, k) => ({ few: weights[2 * k]!, many: weights[2 * k + 1]! }));
}

function prepare({ seeds, labels, columns }: TrialLogits, trials: number): StackTrial {
  const members = labels.reduce((sum, label) => sum + label, 0);
  const many = weightFor({ few: 0, many: 1 }, seeds);
  return {
    columns,
    labels,
    basis: [1 - many, many],
    rowWeight: 1 / (trials * members),
    intercept: Math.log(members / (labels.length - members)),
  };
}

interface Evaluation {
  readonly loss: number;
  readonly gradient: Float64Array;
  /** `[size, size]`. */
  readonly hessian: Float64Array;
}

function evaluate(
  trials: readonly StackTrial[],
  weights: Float64Array,
  target: Float64Array,
  strength: number,
): Evaluation {
  const size = weights.length;
  const gradient = weights.map((w, i) => strength * (w - target[i]!));
  const hessian = new Float64Array(size * size);
  for (let i = 0; i < size; i++) hessian[i * size + i] = strength;
  let loss = weights.reduce((sum, w, i) => sum + (strength / 2) * (w - target[i]!) ** 2, 0);
  for (const trial of trials) loss += addTrial(trial, weights, gradient, hessian);
  return { loss, gradient, hessian };
}

/** Adds a trial's gradient and Hessian with its intercept eliminated; returns its loss. */
function addTrial(trial: StackTrial, weights: Float64Array, gradient: Float64Array, hessian: Float64Array): number {
  const { columns, labels, basis, rowWeight } = trial;
  const width = columns.length;
  const rows = labels.length;
  const effective = columns.map((_, k) => basis[0] * weights[2 * k]! + basis[1] * weights[2 * k + 1]!);
  const logits = new Float64Array(rows);
  for (let k = 0; k < width; k++) {
    const [w, column] = [effective[k]!, columns[k]!];
    if (w !== 0) for (let row = 0; row < rows; row++) logits[row]! += w * column[row]!;
  }
  trial.intercept = fitIntercept(logits, labels, trial.intercept);
  const residuals = new Float64Array(rows);
  const curvatures = new Float64Array(rows);
  let loss = 0;
  let curvature = 0;
  for (let row = 0; row < rows; row++) {
    const z = logits[row]! + trial.intercept;
    const p = 1 / (1 + Math.exp(-z));
    loss += rowWeight * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - labels[row]! * z);
    residuals[row] = rowWeight * (p - labels[row]!);
    curvatures[row] = rowWeight * p * (1 - p);
    curvature += curvatures[row]!;
  }
  const sums = columns.map((column) => dot(column, curvatures));
  const slopes = columns.map((column) => dot(column, residuals));
  const size = 2 * width;
  for (let k = 0; k < width; k++)
    for (let l = 0; l <= k; l++) {
      const [a, b] = [columns[k]!, columns[l]!];
      let product = 0;
      for (let row = 0; row < rows; row++) product += curvatures[row]! * a[row]! * b[row]!;
      product -= (sums[k]! * sums[l]!) / curvature;
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 2; j++) {
          const own = basis[i]! * basis[j]! * product;
          hessian[(2 * k + i) * size + 2 * l + j]! += own;
          if (l < k) hessian[(2 * l + j) * size + 2 * k + i]! += own;
        }
    }
  for (let k = 0; k < width; k++) {
    gradient[2 * k]! += basis[0] * slopes[k]!;
    gradient[2 * k + 1]! += basis[1] * slopes[k]!;
  }
  return loss;
}

/** The intercept with which the expected number of members equals the actual number. */
function fitIntercept(logits: Float64Array, labels: Uint8Array, start: number): number {
  let intercept = start;
  for (let step = 0; step < 30; step++) {
    let [slope, curvature] = [0, 0];
    for (let row = 0; row < logits.length; row++) {
      const p = 1 / (1 + Math.exp(-logits[row]! - intercept));
      slope += p - labels[row]!;
      curvature += p * (1 - p);
    }
    const change = Math.min(Math.max(slope / Math.max(curvature, 1e-12), -2), 2);
    intercept -= change;
    if (Math.abs(change) < 1e-9) break;
  }
  return intercept;
}

/** The w >= 0 that minimises g . (w - from) + (w - from)' * H * (w - from) / 2, coordinate by coordinate. */
function solveNonNegative(hessian: Float64Array, gradient: Float64Array, from: Float64Array): Float64Array {
  const size = from.length;
  const out = from.slice();
  for (let sweep = 0; sweep < 1000; sweep++) {
    let largest = 0;
    for (let i = 0; i < size; i++) {
      let slope = gradient[i]!;
      for (let j = 0; j < size; j++) slope += hessian[i * size + j]! * (out[j]! - from[j]!);
      const moved = Math.max(out[i]! - slope / hessian[i * size + i]!, 0);
      largest = Math.max(largest, Math.abs(moved - out[i]!));
      out[i] = moved;
    }
    if (largest < 1e-9) break;
  }
  return out;
}

function dot(a: Float32Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
