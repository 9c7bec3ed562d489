/**
 * How far two float32 runs of an adaptation may be apart, entry by entry, by rounding alone: a first-order bound,
 * computed in float64.
 *
 * A gradient g is computed by steps. A step v (an element of a node's result) rounds by c_v errors of at most u M_v, u
 * = 2^-24: of a sum of n terms c = n and M is the sum of the terms' absolute values, whatever the order; of others c =
 * 1 (or a few) and M = |v|. To first order (Bauer 1974, Computational graphs and rounding error) they reach g with the
 * weight dg/dv, and dg/dv for all steps at once is one more reverse sweep over the graph that computes g. Of
 * independent errors a sum leaves [-E, E] with a probability below 2 exp(-k^2 / 2) (Hoeffding; Higham and Mary 2019, A
 * new approach to probabilistic rounding error analysis):
 *
 * |fl(g) - g| <= E = k u sqrt(sum_v c_v (dg/dv M_v)^2) + sum_j |dg/dtheta_j| b_j
 *
 * where b_j is how far a parameter is off by then. (All errors of one sign would give sum_v c_v |dg/dv| M_v u: 6 to 10
 * times as much.) Where g is what cancellation left of large terms, E is as large as g. Adam makes a change of the
 * parameter of it. Its first one is F(g) = rate g / (|g| + eps), which E moves by
 *
 * F(g + E) - F(g) = rate E eps / ((|g| + eps) (|g| + E + eps)) ~ E dF/dg, dF/dg = rate eps / (|g| + eps)^2
 *
 * next to nothing where |g| is far above eps = 1e-8, and up to 2 rate where it is not. Here F is all steps of Adam
 * together, and b the sum of what it changes by when each gradient moves by its E. Two runs, each off by b, may be 2 b
 * apart.
 */

import { type Graph, isFloat, numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/index.ts';
import { ADAM, adamScalars } from '../../packages/onnx-grad/src/adam/adam.ts';
import type { LabelledBatch } from '../../packages/onnx-grad/src/adam/adam-program.ts';
import { type Feeds, openSession, type Session } from '../../packages/onnx-grad/src/session/session.ts';
import { roundingGraph } from './rounding-graph.ts';

/** Unit roundoff of float32. */
const UNIT = 2 ** -24;
/** k above: left with a probability below 7e-4. */
const DEVIATIONS = 4;
/**
 * An error that no gradient is expected to have, in units of u and the tensor's largest gradient: says which entries
 * are measured.
 */
const SCREEN = 32;

export interface Adaptation {
  readonly graph: Graph;
  readonly parameters: readonly string[];
  /** In the order of the steps. */
  readonly batches: readonly LabelledBatch[];
  readonly rate: number;
}

type Numbers = ReadonlyMap<string, readonly number[]>;

/** An entry of a parameter that rounding may move. */
export interface Entry {
  readonly name: string;
  readonly at: number;
  /** Its gradient at each step, in float64. */
  readonly gradients: readonly number[];
  /** Bound of each gradient's rounding error. */
  readonly errors: number[];
  /** How far two float32 runs may be apart after the last step. */
  apart: number;
}

/**
 * The entries that rounding may move by more than `allowed` (for each entry of each parameter), with their bounds; some
 * of these turn out below it. Others stay within it even if each of their gradients were wrong by SCREEN u of the
 * largest gradient of their tensor.
 */
export async function roundingBounds(adaptation: Adaptation, allowed: Numbers): Promise<readonly Entry[]> {
  const session = await openSession(roundingGraph(adaptation.graph, adaptation.parameters, adaptation.batches[0]!));
  try {
    const steps = await exactSteps(session, adaptation);
    const entries = candidates(adaptation, steps, allowed);
    for (const [step, feeds] of steps.feeds.entries()) {
      const bounds = entries.map((entry) => halfApart(entry, adaptation.rate));
      const errors = new Map<Entry, number>();
      for (const entry of entries) {
        const direction = zeros(adaptation);
        direction[`along.${entry.name}`]!.data[entry.at] = 1;
        const out = await session.run({ ...feeds, ...direction });
        const inherited = entries.reduce(
          (sum, { name, at }, i) => sum + Math.abs(Number(out[`by/${name}`]!.data[at])) * bounds[i]!,
          0,
        );
        errors.set(entry, DEVIATIONS * UNIT * Number(out['rounding']!.data[0]) + inherited);
      }
      for (const [entry, error] of errors) entry.errors[step] = error;
    }
    for (const entry of entries) entry.apart = 2 * halfApart(entry, adaptation.rate);
    return entries;
  } finally {
    await session.close();
  }
}

/** How far one float32 run may be from the exact one: each gradient moved by its error, the steps' changes added. */
function halfApart({ gradients, errors }: Pick<Entry, 'gradients' | 'errors'>, rate: number): number {
  const at = adamChange(gradients.slice(0, errors.length), rate);
  return errors.reduce((sum, error, step) => {
    const moved = [-error, error].map((by) =>
      Math.abs(adamChange(gradients.slice(0, errors.length).with(step, gradients[step]! + by), rate) - at),
    );
    return sum + Math.max(...moved);
  }, 0);
}

/** What Adam adds to a parameter whose gradients these are. */
export function adamChange(gradients: readonly number[], rate: number): number {
  let [change, moment1, moment2] = [0, 0, 0];
  for (const [i, g] of gradients.entries()) {
    const { stepSize, scale2 } = adamScalars(rate, i + 1);
    moment1 = ADAM.beta1 * moment1 + (1 - ADAM.beta1) * g;
    moment2 = ADAM.beta2 * moment2 + (1 - ADAM.beta2) * g * g;
    change -= (stepSize * moment1) / (Math.sqrt(moment2) * scale2 + ADAM.epsilon);
  }
  return change;
}

interface Steps {
  /** All inputs of each step but the directions: the batch, and the parameters before it. */
  readonly feeds: readonly Feeds[];
  /** Gradients of each step, by parameter. */
  readonly gradients: readonly Numbers[];
}

/** The adaptation in float64. */
async function exactSteps(session: Session, adaptation: Adaptation): Promise<Steps> {
  const { graph, parameters, batches, rate } = adaptation;
  const start = new Map(parameters.map((name) => [name, numbersOf(graph.initializers.get(name)!)]));
  const steps = { feeds: [] as Feeds[], gradients: [] as Numbers[] };
  for (const { feeds, labels } of batches) {
    const now: Record<string, Tensor> = {
      ...Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, widened(feed)])),
      label: tensor('float64', [labels.length], labels),
      updates: tensor('float64', [], [steps.feeds.length]),
    };
    for (const [name, from] of start) {
      const moved = from.map(
        (x, i) =>
          x +
          adamChange(
            steps.gradients.map((past) => past.get(name)![i]!),
            rate,
          ),
      );
      now[name] = tensor('float64', graph.initializers.get(name)!.shape, moved);
    }
    const out = await session.run({ ...now, ...zeros(adaptation) });
    steps.feeds.push(now);
    steps.gradients.push(new Map(parameters.map((name) => [name, numbersOf(out[`grad/${name}`]!)])));
  }
  return steps;
}

function widened(feed: Tensor): Tensor {
  return isFloat(feed.dtype) ? tensor('float64', feed.shape, numbersOf(feed)) : feed;
}

function candidates({ parameters, rate }: Adaptation, { gradients }: Steps, allowed: Numbers): Entry[] {
  return parameters.flatMap((name) => {
    const own = gradients.map((step) => step.get(name)!);
    const screens = own.map((step) => SCREEN * UNIT * step.reduce((most, g) => Math.max(most, Math.abs(g)), 0));
    return allowed.get(name)!.flatMap((limit, at) => {
      const entry = { name, at, gradients: own.map((step) => step[at]!), errors: [], apart: 0 };
      // what is 0 in float64 is made of zeros: rows that are not in the batch, units that are off
      const errors = entry.gradients.map((g, step) => (g === 0 ? 0 : screens[step]!));
      return 2 * halfApart({ ...entry, errors }, rate) > limit ? [entry] : [];
    });
  });
}

function zeros({ graph, parameters }: Adaptation): Record<string, Tensor> {
  const along = parameters.map((name) => {
    const { shape, data } = graph.initializers.get(name)!;
    return [`along.${name}`, tensor('float64', shape, new Float64Array(data.length))] as const;
  });
  return Object.fromEntries(along);
}
