/**
 * Gradient descent on parameters that act through a linear term, run as a regression on features that are read once.
 */

import type { Parameters } from '../adam/compaction.ts';
import { binaryCrossEntropy } from '../graph/binary-cross-entropy.ts';
import { Builder } from '../graph/builder.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph } from '../graph/ir.ts';
import { prune } from '../graph/prune.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { LinearTerm } from '../rewrite/find-linear-term.ts';
import { sliceFeeds, takeFeeds } from '../session/feed-rows.ts';
import { type Feeds, openSession, type Session, type SessionOptions } from '../session/session.ts';
import { FeatureProducts } from './feature-products.ts';
import type {
  BlendedPart,
  BoundaryActivations,
  HeadPosition,
  HeadRun,
  LinearChange,
  LogitPart,
  Rates,
  Strengths,
} from './head-run.ts';
import { byColumn, descendBlocks, type LinearFeatures, openFeatureReader } from './linear-features.ts';
import { fitLogisticRegression } from './logistic-regression.ts';
import { logitOf, SAME, spreadOf, takeNumbers } from './spread.ts';

/** Maximum number of rows per run when scoring. */
const LINK_ROWS = 8192;
/** The logistic regression stops when no entry of the mean gradient exceeds this number. */
const LOGISTIC_TOLERANCE = 1e-5;
/**
 * Minimum weight of a run's own logits in a blend. This weight suffices to order rows that get equal scores from the
 * parts.
 */
const LEAST_OWN = 1e-3;
/**
 * Limits the spread of blends without a scale, because float32 and ONNX Runtime's Sigmoid only distinguish logits
 * within about +-16. The sum of the parts' standard deviations is at most this number or, if larger, the sum of the
 * parts' weights times the standard deviation of the run's own logits.
 */
const MOST_UNSCALED = 4;

export interface LinearProgram {
  start(parameters: Parameters, boundary: BoundaryActivations): Promise<HeadRun>;
  close(): Promise<void>;
}

/**
 * The graph of a step. Its inputs are the inputs of the link graph and `label` `[batch]`. Its output is the gradient of
 * the mean loss with respect to each row's linear term; the loss itself is not computed.
 */
export function buildLinkStep(term: LinearTerm): Graph {
  const b = Builder.from(term.linkGraph);
  const score = b.get(term.linkGraph.outputs[0]!);
  const value = b.get(term.value);
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
  const gradient = addGradients(b, b.build('loss', [loss]), loss, [value]).get(term.value)!;
  return prune(b.build('link_step', [gradient]), { overrides: false });
}

/**
 * Steps change all `parameters` except `regression`. Only blends use `regression` and `scale`.
 */
export async function openLinearProgram(
  term: LinearTerm,
  parameters: readonly string[],
  { regression, scale, ...options }: SessionOptions & { regression?: string; scale?: string } = {},
): Promise<LinearProgram> {
  // these graphs are so small that waking another thread takes longer than their runs
  const alone = { ...options, threads: 1 };
  const reader = await openFeatureReader(term, { ...alone, ...(regression ? { without: regression } : {}) });
  const step = await openSession(buildLinkStep(term), alone);
  const link = await openSession(term.linkGraph, alone);
  return {
    async start(values, { perRow, shared, rows }) {
      const own = new Map(parameters.map((name) => [name, values.get(name)!]));
      const features = await reader.read(own, perRow, shared, rows);
      const multiplier =
        scale === undefined ? null : { name: scale, value: (values.get(scale)!.data as Float32Array)[0]! };
      return new LinearRun(term, features, own, { perRow, shared }, { step, link }, multiplier);
    },
    async close() {
      for (const part of [reader, step, link]) await part.close();
    },
  };
}

class LinearRun implements HeadRun {
  readonly #term: LinearTerm;
  readonly #features: LinearFeatures;
  readonly #products: FeatureProducts;
  readonly #start: Parameters;
  readonly #perRow: Feeds;
  readonly #shared: Feeds;
  readonly #step: Session;
  readonly #link: Session;
  readonly #all: Int32Array;
  /** How much each column's parameter element has changed since the start. */
  readonly #change: Float64Array;
  /** How much the changes in `#linear` have added to each row's linear term. */
  readonly #added: Float64Array;
  readonly #linear: { readonly parameter: string; readonly elements: Float64Array }[] = [];
  readonly #scaleName: string | null;
  readonly #scaleAtStart: number;
  #scale: number;
  readonly #gradient: Float64Array;
  /** The feeds of the last step, whose memory the next step uses. */
  #taken: Feeds = {};

  constructor(
    term: LinearTerm,
    features: LinearFeatures,
    start: Parameters,
    { perRow, shared }: { perRow: Feeds; shared: Feeds },
    { step, link }: { step: Session; link: Session },
    scale: { readonly name: string; readonly value: number } | null,
  ) {
    const isRead = ([name]: [string, Tensor]) => step.inputs.includes(name);
    this.#term = term;
    this.#products = new FeatureProducts(features);
    this.#features = this.#products.features;
    this.#start = start;
    this.#perRow = Object.fromEntries(Object.entries(perRow).filter(isRead));
    this.#shared = Object.fromEntries(Object.entries(shared).filter(isRead));
    this.#step = step;
    this.#link = link;
    this.#all = Int32Array.from({ length: features.rows }, (_, i) => i);
    this.#change = new Float64Array(features.width);
    this.#gradient = new Float64Array(features.width);
    this.#added = new Float64Array(features.rows);
    this.#scaleName = scale?.name ?? null;
    this.#scaleAtStart = scale?.value ?? 1;
    this.#scale = this.#scaleAtStart;
  }

  async step(rows: Int32Array, labels: Float32Array, rates: Rates, weights?: Float32Array): Promise<void> {
    const terms = this.#termsOf(rows);
    this.#taken = takeFeeds(this.#perRow, rows, this.#taken);
    const out = await this.#step.run({
      ...this.#taken,
      ...this.#shared,
      [this.#term.value]: this.#asInput(terms),
      label: { dtype: 'float32', shape: [labels.length], data: labels },
    });
    const gradient = out[this.#step.outputs[0]!]!.data as Float32Array;
    if (weights) for (let i = 0; i < gradient.length; i++) gradient[i]! *= weights[i]!;
    this.#products.multiplyTransposed(rows, gradient, this.#gradient);
    descendBlocks(this.#features, this.#change, this.#gradient, rates);
  }

  async scores(): Promise<Float32Array> {
    const { rows } = this.#features;
    const terms = this.#termsOf(this.#all);
    const out = new Float32Array(rows);
    for (let from = 0; from < rows; from += LINK_ROWS) {
      const to = Math.min(from + LINK_ROWS, rows);
      const result = await this.#link.run({
        ...sliceFeeds(this.#perRow, from, to),
        ...this.#shared,
        ...(this.#scaleName === null ? {} : { [this.#scaleName]: this.#scaleTensor() }),
        [this.#term.value]: this.#asInput(terms.subarray(from, to)),
      });
      out.set(result[this.#link.outputs[0]!]!.data as Float32Array, from);
    }
    return out;
  }

  fitLogistic(rows: Int32Array, labels: Uint8Array, strengths: Strengths, weights?: Float32Array): LogitPart {
    const features = this.#features;
    const byParameter = byColumn(features, strengths);
    const design = this.#products.design(rows, byParameter);
    // the solver needs a strength for every column, even for excluded columns, which keep the weight 0
    const { weights: fitted } = fitLogisticRegression(
      design,
      labels,
      byParameter.map((strength) => strength || 1),
      { gradientTolerance: LOGISTIC_TOLERANCE * rows.length, ...(weights && { weights }) },
    );
    const own = new Float64Array(features.rows);
    this.#products.multiply(this.#all, fitted, own);
    return {
      own,
      add: (factor) => {
        for (let j = 0; j < this.#change.length; j++) this.#change[j]! += factor * fitted[j]!;
      },
    };
  }

  linear({ parameter, elements, own }: LinearChange): LogitPart {
    return {
      own,
      add: (factor) => {
        for (let row = 0; row < own.length; row++) this.#added[row]! += factor * own[row]!;
        this.#linear.push({ parameter, elements: elements.map((x) => factor * x) });
      },
    };
  }

  async blend(parts: readonly BlendedPart[], reference: Int32Array, weightOfOwn = 1): Promise<void> {
    const scores = await this.scores();
    const inner = takeNumbers(scores, reference);
    for (let i = 0; i < inner.length; i++) inner[i] = logitOf(inner[i]!) / this.#scaleAtStart;
    // Each result is taken apart at once, because Node 24 has changed a number in an object that was kept while the
    // same function returned other objects (README.md, "Decisions").
    const { mean, deviation } = spreadOf(inner);
    // if all logits are equal, there is no spread to keep
    const spreadToKeep = deviation || 1;
    const unit = Math.min(spreadToKeep / Math.max(weightOfOwn, LEAST_OWN), this.#mostUnit(parts, spreadToKeep));
    let isBlended = false;
    for (const { part, weight } of parts) {
      const own = takeNumbers(part.own, reference);
      const { deviation: ownDeviation } = spreadOf(own);
      if (weight === 0 || ownDeviation === 0) continue;
      const factor = (weight * unit) / ownDeviation;
      part.add(factor);
      for (let i = 0; i < inner.length; i++) inner[i]! += factor * own[i]!;
      isBlended = true;
    }
    if (!isBlended) return;
    const { mean: newMean, deviation: newDeviation } = spreadOf(inner);
    if (newDeviation === 0) return;
    // a larger spread would cause ties among the highest and the lowest scores (see `MOST_UNSCALED`)
    const shrink = this.#scaleName === null ? 1 : spreadToKeep / newDeviation;
    this.#scale = this.#scaleAtStart * shrink;
    const intercept = this.#interceptColumn();
    const { dense, firstDense } = this.#features;
    if (intercept !== -1) this.#change[intercept]! += (mean / shrink - newMean) / dense[intercept - firstDense]!;
  }

  position(): HeadPosition {
    return { values: new Map([['change', this.#change.slice()]]) };
  }

  reset(to?: HeadPosition): void {
    if (to) this.#change.set(to.values.get('change')!);
    else this.#change.fill(0);
    this.#added.fill(0);
    this.#linear.length = 0;
    this.#scale = this.#scaleAtStart;
  }

  parameters(): Map<string, Tensor> {
    const out = new Map(this.#start);
    for (const { parameter, first, elements } of this.#features.blocks) {
      const full = this.#start.get(parameter)!;
      const data = (full.data as Float32Array).slice();
      for (let i = 0; i < elements.length; i++) data[elements[i]!]! += this.#change[first + i]!;
      out.set(parameter, { ...full, data });
    }
    for (const { parameter, elements } of this.#linear) {
      const full = out.get(parameter)!;
      out.set(parameter, { ...full, data: (full.data as Float32Array).map((x, i) => x + elements[i]!) });
    }
    if (this.#scaleName !== null) out.set(this.#scaleName, this.#scaleTensor());
    return out;
  }

  /** The maximum standard deviation of a part with weight 1. */
  #mostUnit(parts: readonly BlendedPart[], spreadToKeep: number): number {
    if (this.#scaleName !== null) return Number.POSITIVE_INFINITY;
    const weights = parts.reduce((sum, { weight }) => sum + weight, 0);
    return Math.max(MOST_UNSCALED / weights, spreadToKeep);
  }

  #scaleTensor(): Tensor {
    return { dtype: 'float32', shape: [1], data: Float32Array.of(this.#scale) };
  }

  /** The index of a dense column with the same value in all rows; -1 if there is none. */
  #interceptColumn(): number {
    const { dense, rows, width, firstDense } = this.#features;
    const denseWidth = width - firstDense;
    for (let d = 0; d < denseWidth; d++) {
      const first = dense[d]!;
      let row = 0;
      while (row < rows && Math.abs(dense[row * denseWidth + d]! - first) <= SAME * Math.abs(first)) row++;
      if (row === rows && first !== 0) return firstDense + d;
    }
    return -1;
  }

  #termsOf(rows: Int32Array): Float64Array {
    const out = new Float64Array(rows.length);
    this.#products.multiply(rows, this.#change, out);
    for (let i = 0; i < rows.length; i++) out[i]! += this.#features.offsets[rows[i]!]! + this.#added[rows[i]!]!;
    return out;
  }

  #asInput(terms: Float64Array): Tensor {
    const isColumn = this.#term.linkGraph.values.get(this.#term.value)!.shape.length === 2;
    return {
      dtype: 'float32',
      shape: isColumn ? [terms.length, 1] : [terms.length],
      data: new Float32Array(terms),
    };
  }
}
