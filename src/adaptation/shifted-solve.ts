/**
 * Solves (G + sigma I) w = b for several sigma at once, in the Krylov space that they share (Lanczos; Frommer & Maass
 * 1999).
 */
import type { Covariance } from './covariance.ts';

/** Maximum number of steps; heavily regularised systems need a dozen. */
const MOST_STEPS = 100;

/**
 * w for each sigma, `[width]`, to a residual of `tolerance` |b|. Every sigma must be positive. The smallest one
 * determines the number of steps; a system that has not converged after `MOST_STEPS` is left as it is.
 */
export function solveShifted(
  covariance: Covariance,
  b: Float64Array,
  sigmas: readonly number[],
  tolerance = 1e-4,
): Float64Array[] {
  const { width } = covariance;
  const norm = Math.sqrt(dot(b, b));
  const solutions = sigmas.map(() => new Float64Array(width));
  if (norm === 0) return solutions;
  // per system: the factorisation of the tridiagonal matrix, updated step by step (conjugate gradients in Lanczos form)
  const states = sigmas.map(() => ({ direction: new Float64Array(width), pivot: 0, load: 0, isDone: false }));
  let current = b.map((x) => x / norm);
  let previous = new Float64Array(width);
  let next = new Float64Array(width);
  let beta = 0;
  for (let step = 0; step < MOST_STEPS; step++) {
    covariance.apply(current, next);
    for (let t = 0; t < width; t++) next[t]! -= beta * previous[t]!;
    const alpha = dot(current, next);
    for (let t = 0; t < width; t++) next[t]! -= alpha * current[t]!;
    const nextBeta = Math.sqrt(dot(next, next));
    for (const [i, sigma] of sigmas.entries()) {
      const state = states[i]!;
      if (state.isDone) continue;
      // T + sigma I = L D L': pivot d_k = alpha_k + sigma - beta^2 / d_(k-1), load z_k = -beta / d_(k-1) z_(k-1)
      const factor = step === 0 ? 0 : beta / state.pivot;
      state.pivot = alpha + sigma - factor * beta;
      state.load = step === 0 ? norm : -factor * state.load;
      const length = state.load / state.pivot;
      const solution = solutions[i]!;
      const { direction } = state;
      for (let t = 0; t < width; t++) {
        direction[t] = current[t]! - factor * direction[t]!;
        solution[t]! += length * direction[t]!;
      }
      // the residual of this system is |beta_(k+1) z_k / d_k|
      state.isDone = Math.abs(nextBeta * length) <= tolerance * norm;
    }
    if (states.every(({ isDone }) => isDone) || nextBeta <= 1e-12 * (Math.abs(alpha) + beta)) break;
    for (let t = 0; t < width; t++) next[t]! /= nextBeta;
    [previous, current, next] = [current, next, previous];
    beta = nextBeta;
  }
  return solutions;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
