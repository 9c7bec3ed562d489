/** A model, batches and the loss in float64, for the tests of the steps of training. */
import { type Graph, type LabelledBatch, numbersOf, tensor } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { buildMetaHeac, type MetaHeacConfig, randomInitial } from '../../src/model/architectures/metaheac.ts';
import { type PlainParameters, referenceScores } from '../model/architectures/reference.ts';
import { randomFeeds } from '../model/tiny-model.ts';

/** Its weights are large, so that gradients are too. */
export function steepGraph(config: MetaHeacConfig, key: string): Graph {
  const initial = randomInitial(createRng(key));
  return buildMetaHeac(config, (name, shape, fanIn) =>
    tensor(
      'float32',
      shape,
      numbersOf(initial(name, shape, fanIn)).map((x) => (name.endsWith('.embedding') ? 10 * x : 2 * x)),
    ),
  );
}

export function batchOf(config: MetaHeacConfig, key: string, size: number): LabelledBatch {
  const rng = createRng(key);
  return {
    feeds: randomFeeds(config, size, key),
    labels: Float32Array.from({ length: size }, (_, i) => (i < 2 ? i : rng.integer(2))),
  };
}

export function referenceLoss(config: MetaHeacConfig, parameters: PlainParameters, batch: LabelledBatch): number {
  const { feeds, labels } = batch;
  const scores = referenceScores(parameters, config, feeds);
  return scores.reduce((sum, p, i) => sum - (labels[i] === 1 ? Math.log(p) : Math.log(1 - p)), 0) / scores.length;
}
