/** Parity with PyTorch: every file and folder of test/golden, found by listing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  Builder,
  binaryCrossEntropy,
  differentiate,
  type Graph,
  readModel,
  type Tensor,
} from '../../packages/onnx-grad/index.ts';
import { Adam } from '../../packages/onnx-grad/src/adam/adam.ts';
import { type LabelledBatch, openAdaptation } from '../../packages/onnx-grad/src/adam/adam-program.ts';
import { type Feeds, openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { addGradient, openMetaProgram } from '../../src/training/meta/meta-step.ts';
import { expectScores, expectTensors, SCORE_TOLERANCE } from './closeness.ts';
import { exportedBatch, floatParameters, parametersOf, readExportGolden } from './export-golden.ts';
import { batchOf, graphOf, readGolden, toPyTorch } from './metaheac-golden.ts';

const GOLDEN = join(dirname(dirname(fileURLToPath(import.meta.url))), 'golden');
const files = readdirSync(GOLDEN).filter((name) => name.endsWith('.json'));
const folders = readdirSync(GOLDEN).filter(
  (name) => existsSync(join(GOLDEN, name, 'model.onnx')) && existsSync(join(GOLDEN, name, 'expected.json')),
);

/**
 * Share of the adapted entries that may be off by more than the constant, because rounding determines their gradient
 * (README.md); medium.json has 4 of 6,810, small.json none of 585.
 */
const MOST_FRAGILE = 1e-3;

/** Scores, loss and all gradients of a batch, through one graph. */
async function forwardOf(graph: Graph, parameters: readonly string[], { feeds, labels }: LabelledBatch) {
  const b = Builder.from(graph);
  const score = b.get(graph.outputs[0]!);
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
  const session = await openSession(differentiate(b.build('forward', [score, loss]), loss.name, parameters));
  const out = await session.run({ ...feeds, label: { dtype: 'float32', shape: [labels.length], data: labels } });
  await session.close();
  const numbers = session.outputs.map((name) => out[name]!.data as Float32Array);
  return {
    scores: numbers[0]!,
    loss: numbers[1]![0]!,
    gradients: new Map(parameters.map((name, i) => [name, numbers[i + 2]!])),
  };
}

/** The online stage: epochs over the batches in order, then the scores of `scored`. */
async function adapt(
  graph: Graph,
  parameters: readonly string[],
  batches: readonly LabelledBatch[],
  rate: number,
  epochs: number,
  scored: Feeds,
  compact: boolean,
) {
  const program = await openAdaptation(graph, parameters, { compact });
  const run = await program.start(graph.initializers, batches, [scored]);
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++)
    for (let i = 0; i < batches.length; i++) losses.push(await run.step(i, rate));
  const scores = await run.scores(0);
  const adapted = dataOf(run.parameters());
  await program.close();
  return { losses, scores, parameters: adapted, tables: program.cut.tables.length };
}

function dataOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

it('finds golden files and folders', () => {
  expect(files.length).toBeGreaterThan(0);
  expect(folders.length).toBeGreaterThan(0);
});

describe.each(files)('golden %s', (file) => {
  const golden = readGolden(join(GOLDEN, file));
  const graph = graphOf(golden);
  const parameters = floatParameters(graph);
  const forwardBatch = batchOf(golden, golden.forward.batch, golden.forward.labels);

  const { adaptation } = golden;
  const batches = adaptation.batches.map((columns, i) => batchOf(golden, columns, adaptation.labels[i]!));

  it('has the scores, the loss and all gradients of the published code', async () => {
    const forward = await forwardOf(graph, parameters, forwardBatch);
    expectScores(forward.scores, golden.forward.scores, 'score');
    expectScores([forward.loss], [golden.forward.loss], 'loss');
    expectTensors(toPyTorch(golden, forward.gradients), golden.forward.gradients, 'gradient');
  });

  it.each([
    ['full', false],
    ['compact', true],
  ])('adapts to the same losses, parameters and scores with %s tables', async (_, compact) => {
    const adapted = await adapt(
      graph,
      parameters,
      batches,
      adaptation.lr,
      adaptation.epochs,
      forwardBatch.feeds,
      compact,
    );
    expect(adapted.tables > 0).toBe(compact);
    expectScores(adapted.losses, adaptation.losses, 'loss');
    const theirs = toPyTorch(golden, adapted.parameters);
    const farthest = 2 * adaptation.lr * adaptation.epochs * batches.length;
    expectTensors(theirs, adaptation.parameters_after, 'adapted parameter', { share: MOST_FRAGILE, farthest });
    expectScores(adapted.scores, adaptation.scores_after, 'score after');
  });

  it.each([
    ['full', false],
    ['compact', true],
  ])('makes the same second-order meta step with %s tables', async (_, compact) => {
    const step = golden.meta_step;
    const program = await openMetaProgram(graph, parameters, { compact });
    const optimiser = new Adam(graph.initializers);
    let loss = 0;
    for (let task = 0; task < step.support.length; task++) {
      const support = batchOf(golden, step.support[task]!, step.support_labels[task]!);
      const query = batchOf(golden, step.query[task]!, step.query_labels[task]!);
      const gradient = await program.run(optimiser.parameters, { support, query }, step.local_lr);
      loss += gradient.loss / step.support.length;
      addGradient(optimiser.gradients, gradient, 1 / step.support.length);
    }
    const sum = new Map(parameters.map((name) => [name, optimiser.gradients.get(name)!.slice()]));
    optimiser.step(step.global_lr);
    expect(Math.abs(loss - step.query_loss), 'query loss').toBeLessThanOrEqual(SCORE_TOLERANCE);
    expectTensors(toPyTorch(golden, sum), step.meta_gradients, 'meta gradient');
    expectTensors(toPyTorch(golden, dataOf(optimiser.parameters)), step.parameters_after, 'parameter after');
    await program.close();
  });
});

describe.each(folders)('golden %s', (folder) => {
  // read in each test: a folder that is refused fails its own tests only
  const read = () => {
    const golden = readExportGolden(join(GOLDEN, folder, 'expected.json'));
    const graph = readModel(readFileSync(join(GOLDEN, folder, 'model.onnx')));
    const forwardBatch = exportedBatch(graph, golden.forward.inputs, golden.forward.labels);
    return { golden, graph, parameters: parametersOf(graph, golden), forwardBatch };
  };

  it('has the scores, the loss and all gradients of PyTorch', async () => {
    const { golden, graph, parameters, forwardBatch } = read();
    const forward = await forwardOf(graph, parameters, forwardBatch);
    expectScores(forward.scores, golden.forward.scores, 'score');
    expectScores([forward.loss], [golden.forward.loss], 'loss');
    expectTensors(forward.gradients, golden.forward.gradients, 'gradient');
  });

  it.each([
    ['full', false],
    ['compact', true],
  ])('adapts to the same losses, parameters and scores with %s tables', async (_, compact) => {
    const { golden, graph, parameters, forwardBatch } = read();
    const { adaptation } = golden;
    const batches = adaptation.batches.map((columns, i) => exportedBatch(graph, columns, adaptation.labels[i]!));
    const adapted = await adapt(
      graph,
      parameters,
      batches,
      adaptation.lr,
      adaptation.epochs,
      forwardBatch.feeds,
      compact,
    );
    expectScores(adapted.losses, adaptation.losses, 'loss');
    expectTensors(adapted.parameters, adaptation.parameters_after, 'adapted parameter');
    expectScores(adapted.scores, adaptation.scores_after, 'score after');
  });
});
