/**
 * What is added to the logits of a run: an auxiliary logistic regression, a regression over the population, and the
 * scale that restores their spread.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../../packages/onnx-grad/index.ts';
import { fitLogisticRegression } from '../../../packages/onnx-grad/index.ts';
import { type HeadProgram, openHeadProgram } from '../../../packages/onnx-grad/src/descent/head-adaptation.ts';
import type { BoundaryActivations, HeadRun, LinearChange } from '../../../packages/onnx-grad/src/descent/head-run.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import type { LogisticRegressionSettings } from '../../../src/model/manifest.ts';
import { scoresOf } from '../../model/tiny-model.ts';
import {
  dot,
  HEADS_FEEDS,
  HEADS_GRAPH,
  HEADS_ROWS,
  headsFeatures,
  headsFeeds,
  headsPoint,
  regressionFeatures,
  TABLE_ROWS,
} from './heads-by-hand.ts';

const ALL = [HEADS.wide, HEADS.query, HEADS.bias];
const { initializers } = HEADS_GRAPH;
const byHand = headsFeatures();
const RATES = { [HEADS.wide]: 0.8, [HEADS.query]: 0.3, [HEADS.bias]: 2 };
/** Rows with tag 2 are the positives; all rows but the last eight are fitted, some twice. */
const FITTED = Int32Array.from([...Array.from({ length: HEADS_ROWS - 8 }, (_, i) => i), 3, 4]);
const LABELS = Uint8Array.from(FITTED, (row) => (byHand[row]![5 + 2]! > 0 ? 1 : 0));
/** Rows over which spreads and means are taken. */
const REFERENCE = Int32Array.from({ length: HEADS_ROWS - 5 }, (_, i) => 5 + i);

let program: HeadProgram;
let boundary: BoundaryActivations;
beforeAll(async () => {
  program = await openHeadProgram(HEADS_GRAPH, ALL);
  boundary = await program.boundary(initializers, HEADS_ROWS, headsFeeds);
});
afterAll(() => program.close());

/** A run that has taken some steps. */
async function steppedRun(): Promise<HeadRun> {
  const run = await program.start(initializers, boundary);
  const labels = Float32Array.from(LABELS);
  for (let step = 0; step < 3; step++) await run.step(FITTED, labels, RATES);
  return run;
}

const graphWith = (run: HeadRun): Graph => ({
  ...HEADS_GRAPH,
  initializers: new Map([...initializers, ...run.parameters()]),
});
const ofReference = (values: readonly number[]): number[] => Array.from(REFERENCE, (row) => values[row]!);
const logitsOf = (scores: Float32Array): number[] => Array.from(scores, (p) => Math.log(p / (1 - p)));

function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) };
}

/** The auxiliary regression's weights by position, fitted on features made by hand, for parameters with a strength. */
function companionByHand({ strengths }: LogisticRegressionSettings): number[] {
  const nameOf = (place: number) =>
    place < TABLE_ROWS ? HEADS.wide : place < TABLE_ROWS + 3 ? HEADS.query : HEADS.bias;
  const places = byHand[0]!.map((_, place) => place).filter((place) => strengths[nameOf(place)] !== undefined);
  const x = Array.from(FITTED, (row) => places.map((place) => byHand[row]![place]!));
  const transposed = (power: number) => (values: Float64Array, out: Float64Array) => {
    places.forEach((_, j) => {
      out[j] = x.reduce((sum, row, i) => sum + values[i]! * row[j]! ** power, 0);
    });
  };
  const design = {
    rows: x.length,
    width: places.length,
    multiply: (point: Float64Array, out: Float64Array) => {
      x.forEach((row, i) => {
        out[i] = dot(row, [...point.subarray(0, places.length)]);
      });
    },
    multiplyTransposed: transposed(1),
    multiplyTransposedSquares: transposed(2),
  };
  const own = Float64Array.from(places, (place) => strengths[nameOf(place)]!);
  const { weights, converged } = fitLogisticRegression(design, LABELS, own);
  expect(converged).toBe(true);
  const out = byHand[0]!.map(() => 0);
  places.forEach((place, j) => {
    out[place] = weights[j]!;
  });
  return out;
}

const blendCompanion = (
  run: HeadRun,
  rows: Int32Array,
  labels: Uint8Array,
  { strengths, weight }: LogisticRegressionSettings,
  reference: Int32Array,
) => run.blend([{ part: run.fitLogistic(rows, labels, strengths), weight }], reference);

describe('a companion', () => {
  it.each<[string, LogisticRegressionSettings]>([
    ['of the table alone', { strengths: { [HEADS.wide]: 0.5 }, weight: 0.5 }],
    ['of table and query, each with its strength', { strengths: { [HEADS.wide]: 0.3, [HEADS.query]: 2 }, weight: 2 }],
    ['of the query alone', { strengths: { [HEADS.query]: 1 }, weight: 1 }],
  ])('adds the regression %s, in spreads of the logits, and keeps their mean', async (_, settings) => {
    const run = await steppedRun();
    const before = headsPoint(run.parameters());
    const { deviation } = spreadOf(ofReference(logitsOf(await scoresOf(graphWith(run), HEADS_FEEDS))));
    await blendCompanion(run, FITTED, LABELS, settings, REFERENCE);

    const weights = companionByHand(settings);
    const own = spreadOf(ofReference(byHand.map((row) => dot(row, weights))));
    const scale = (settings.weight * deviation) / own.deviation;
    const after = headsPoint(run.parameters());
    const bias = TABLE_ROWS + 3;
    before.forEach((x, place) => {
      const expected = place === bias ? x - scale * own.mean : x + scale * weights[place]!;
      expect(Math.abs(after[place]! - expected), `place ${place}`).toBeLessThan(1e-3);
    });
    // the companion's part of the rows' terms: no mean, and the spread that was asked for
    const added = spreadOf(ofReference(byHand.map((row) => dot(row, after) - dot(row, before))));
    expect(added.mean).toBeCloseTo(0, 5);
    expect(added.deviation).toBeCloseTo(settings.weight * deviation, 5);
    expect(Math.max(...after.map((x, place) => Math.abs(x - before[place]!)))).toBeGreaterThan(0.05);
  });

  it('is contained in the parameters: with them, the whole graph scores like the run', async () => {
    const run = await steppedRun();
    const without = await run.scores();
    await blendCompanion(
      run,
      FITTED,
      LABELS,
      { strengths: { [HEADS.wide]: 0.5, [HEADS.query]: 0.1 }, weight: 1 },
      REFERENCE,
    );
    const scores = await run.scores();
    const expected = await scoresOf(graphWith(run), HEADS_FEEDS);
    expected.forEach((score, i) => {
      expect(Math.abs(scores[i]! - score)).toBeLessThan(2e-6);
    });
    expect(Math.max(...scores.map((score, i) => Math.abs(score - without[i]!)))).toBeGreaterThan(0.01);
    run.reset();
    for (const name of ALL) expect(run.parameters().get(name)).toEqual(initializers.get(name));
  });

  it('does not change other parameters if none is an intercept', async () => {
    const own = await openHeadProgram(HEADS_GRAPH, [HEADS.wide, HEADS.query]);
    const run = await own.start(initializers, await own.boundary(initializers, HEADS_ROWS, headsFeeds));
    await blendCompanion(run, FITTED, LABELS, { strengths: { [HEADS.wide]: 1 }, weight: 1 }, REFERENCE);
    await own.close();
    expect(run.parameters().get(HEADS.query)).toEqual(initializers.get(HEADS.query));
    expect(run.parameters().get(HEADS.wide)).not.toEqual(initializers.get(HEADS.wide));
  });

  it('does nothing if it has no spread', async () => {
    const run = await steppedRun();
    const [before, scores] = [run.parameters(), await run.scores()];
    const ones = new Uint8Array(FITTED.length).fill(1);
    for (const labels of [LABELS, ones])
      await blendCompanion(run, FITTED, labels, { strengths: { [HEADS.bias]: 3 }, weight: 1 }, REFERENCE);
    expect(run.parameters()).toEqual(before);
    expect(await run.scores()).toEqual(scores);
  });
});

describe('blend, with a regression and a scale', () => {
  const own = { regression: HEADS.regression, scale: HEADS.scale };
  const features = regressionFeatures();
  const elements = Float64Array.from({ length: TABLE_ROWS }, (_, t) => Math.sin(3 * t));
  const change: LinearChange = {
    parameter: HEADS.regression,
    elements,
    own: Float64Array.from(features, (row) => dot(row, [...elements])),
  };
  let whole: HeadProgram;
  beforeAll(async () => {
    whole = await openHeadProgram(HEADS_GRAPH, [...ALL, HEADS.regression], own);
  });
  afterAll(() => whole.close());

  async function descended(): Promise<HeadRun> {
    const run = await whole.start(initializers, await whole.boundary(initializers, HEADS_ROWS, headsFeeds));
    for (let step = 0; step < 3; step++) await run.step(FITTED, Float32Array.from(LABELS), RATES);
    return run;
  }
  const blended = async (weights: { companion: number; regression: number }): Promise<HeadRun> => {
    const run = await descended();
    const companion = run.fitLogistic(FITTED, LABELS, { [HEADS.wide]: 0.5 });
    const parts = [
      { part: companion, weight: weights.companion },
      { part: run.linear(change), weight: weights.regression },
    ];
    await run.blend(parts, REFERENCE);
    return run;
  };

  it('is contained in the parameters: with them, the whole graph scores like the run', async () => {
    const run = await blended({ companion: 1, regression: 2 });
    const scores = await run.scores();
    (await scoresOf(graphWith(run), HEADS_FEEDS)).forEach((score, i) => {
      expect(Math.abs(scores[i]! - score)).toBeLessThan(2e-6);
    });
    const table = Array.from(run.parameters().get(HEADS.regression)!.data, Number);
    const start = Array.from(initializers.get(HEADS.regression)!.data, Number);
    const moved = table.map((x, t) => x - start[t]!);
    moved.forEach((x, t) => {
      expect(x / moved[1]!).toBeCloseTo(elements[t]! / elements[1]!, 4);
    });
    expect(run.parameters().get(HEADS.scale)!.data[0]).toBeLessThan(1);
  });

  it('keeps the spread and the mean of the logits, whatever is added', async () => {
    const before = spreadOf(ofReference(logitsOf(await (await descended()).scores())));
    for (const regression of [0.5, 8]) {
      const run = await blended({ companion: 2, regression });
      const after = spreadOf(ofReference(logitsOf(await run.scores())));
      expect(Math.abs(after.deviation / before.deviation - 1)).toBeLessThan(0.1);
      expect(Math.abs(after.mean - before.mean)).toBeLessThan(0.1 * before.deviation);
    }
  });

  it('does not saturate without a scale to restore the spread, however little weight the own logits have', async () => {
    const unscaled = await openHeadProgram(HEADS_GRAPH, [...ALL, HEADS.regression], { regression: HEADS.regression });
    const users = await unscaled.boundary(initializers, HEADS_ROWS, headsFeeds);
    for (const weightOfOwn of [0, 0.002, 0.25]) {
      const run = await unscaled.start(initializers, users);
      await run.blend([{ part: run.linear(change), weight: 1 }], REFERENCE, weightOfOwn);
      const logits = logitsOf(await run.scores());
      expect(Math.max(...logits.map(Math.abs)), `own weight ${weightOfOwn}`).toBeLessThan(14);
      expect(spreadOf(logits).deviation).toBeGreaterThan(0.5);
    }
    await unscaled.close();
  });

  it('returns to the end of the steps, and to the start', async () => {
    const run = await descended();
    const [position, scores] = [run.position(), await run.scores()];
    await run.blend([{ part: run.linear(change), weight: 2 }], REFERENCE);
    expect(await run.scores()).not.toEqual(scores);
    run.reset(position);
    expect(await run.scores()).toEqual(scores);
    run.reset();
    for (const name of [...ALL, HEADS.regression, HEADS.scale])
      expect(run.parameters().get(name)).toEqual(initializers.get(name));
  });
});
