/**
 * Solves (G + sigma * I) * w = b for several values of sigma at once, in the Krylov space that these systems share
 * (Lanczos; Frommer & Maass 1999).
 */
import type { Covariance } from './covariance.ts';
import { LANES, lanesFor, type RowProducts } from './products.ts';

/** Maximum number of steps; heavily regularised systems need a dozen. */
const MOST_STEPS = 100;
/** A system is solved when its residual is at most this share of |b|. */
const TOLERANCE = 1e-4;

/**
 * The systems of one Krylov space. The covariance must be that of the products' rows, and must not be used elsewhere
 * during the solve.
 */
export interface SharedSystem {
  readonly covariance: Covariance;
  readonly b: Float64Array;
  /** Must be positive. The smallest one determines the number of steps. */
  readonly sigmas: readonly number[];
}

/**
 * Passes the solutions w of each system, `[width]` for each sigma, to `onSolved`. If a system has not converged after
 * `MOST_STEPS`, its solution is approximate. Systems are created on demand. `LANES` systems are solved at once, so that
 * one pass over the rows serves all of them; their bits do not depend on each other.
 */
export function solveSideBySide(
  products: RowProducts,
  systems: readonly (() => SharedSystem)[],
  onSolved: (system: number, solutions: Float64Array[]) => void,
): void {
  let underWay: UnderWay[] = [];
  let started = 0;
  while (true) {
    while (underWay.length < LANES && started < systems.length) {
      const { covariance, b, sigmas } = systems[started]!();
      const solve = new ShiftedSolve(b, sigmas);
      if (solve.isDone) onSolved(started, solve.solutions);
      else underWay.push({ system: started, covariance, solve });
      started++;
    }
    if (underWay.length === 0) return;
    const lanes = lanesFor(underWay.length);
    for (const [i, { covariance, solve }] of underWay.entries()) covariance.before(solve.vector, lanes[i]!);
    products.multiply(lanes[0]!.of);
    for (const [i, { system, covariance, solve }] of underWay.entries()) {
      covariance.after(solve.vector, lanes[i]!, solve.product);
      solve.step();
      if (solve.isDone) onSolved(system, solve.solutions);
    }
    underWay = underWay.filter(({ solve }) => !solve.isDone);
  }
}

interface UnderWay {
  readonly system: number;
  readonly covariance: Covariance;
  readonly solve: ShiftedSolve;
}

/** The state of the linear system for one sigma: the factorisation of the tridiagonal matrix, updated step by step. */
interface State {
  readonly sigma: number;
  readonly direction: Float64Array;
  readonly solution: Float64Array;
  pivot: number;
  load: number;
  isDone: boolean;
}

/** The state of all systems with the same b, between two applications of G (conjugate gradients in Lanczos form). */
class ShiftedSolve {
  isDone: boolean;
  /** The vector to which G is to be applied. */
  vector: Float64Array;
  /** The product of G and `vector`, which the caller fills in before a step. */
  product: Float64Array;
  #previous: Float64Array;
  readonly #norm: number;
  readonly #states: readonly State[];
  #beta = 0;
  #steps = 0;

  constructor(b: Float64Array, sigmas: readonly number[]) {
    const width = b.length;
    const norm = Math.sqrt(dot(b, b));
    this.#norm = norm;
    this.#states = sigmas.map((sigma) => ({
      sigma,
      direction: new Float64Array(width),
      solution: new Float64Array(width),
      pivot: 0,
      load: 0,
      isDone: false,
    }));
    this.vector = b.map((x) => x / norm);
    this.product = new Float64Array(width);
    this.#previous = new Float64Array(width);
    this.isDone = norm === 0;
  }

  get solutions(): Float64Array[] {
    return this.#states.map(({ solution }) => solution);
  }

  step(): void {
    const [current, next, previous] = [this.vector, this.product, this.#previous];
    const width = current.length;
    const beta = this.#beta;
    for (let t = 0; t < width; t++) next[t]! -= beta * previous[t]!;
    const alpha = dot(current, next);
    for (let t = 0; t < width; t++) next[t]! -= alpha * current[t]!;
    const nextBeta = Math.sqrt(dot(next, next));
    for (const state of this.#states) if (!state.isDone) this.#update(state, alpha, nextBeta);
    this.#steps += 1;
    this.isDone =
      this.#steps === MOST_STEPS ||
      this.#states.every(({ isDone }) => isDone) ||
      nextBeta <= 1e-12 * (Math.abs(alpha) + beta);
    for (let t = 0; t < width; t++) next[t]! /= nextBeta;
    [this.#previous, this.vector, this.product] = [current, next, previous];
    this.#beta = nextBeta;
  }

  #update(state: State, alpha: number, nextBeta: number): void {
    const { sigma, direction, solution } = state;
    const { vector } = this;
    const beta = this.#beta;
    // T + sigma * I = L * D * L': pivot d_k = alpha_k + sigma - beta^2 / d_(k-1), load z_k = -beta / d_(k-1) * z_(k-1)
    const factor = this.#steps === 0 ? 0 : beta / state.pivot;
    state.pivot = alpha + sigma - factor * beta;
    state.load = this.#steps === 0 ? this.#norm : -factor * state.load;
    const length = state.load / state.pivot;
    for (let t = 0; t < direction.length; t++) {
      const along = vector[t]! - factor * direction[t]!;
      direction[t] = along;
      solution[t]! += length * along;
    }
    // the residual of this system is |beta_(k+1) * z_k / d_k|
    state.isDone = Math.abs(nextBeta * length) <= TOLERANCE * this.#norm;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
