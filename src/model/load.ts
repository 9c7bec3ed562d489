/** Loads a general model: its folder, its graph against the schema, finite weights, its golden batch re-scored, its derivative. */

import { trainableParameters } from '../graph/cut-tables.ts';
import { GraphError } from '../graph/error.ts';
import type { Graph, Tensor } from '../graph/ir.ts';
import { tensor, typeText, type Value } from '../graph/ir.ts';
import { readModel } from '../graph/read.ts';
import { assert } from '../lib/errors.ts';
import { openAdaptation } from './adaptation.ts';
import { MODEL_FILE, type ModelFolder, readModelFolder, refused } from './folder.ts';
import type { Manifest, ManifestFeature } from './manifest.ts';
import { allFinite, type Device, type Feeds, openSession } from './session.ts';

/** Scores of the golden batch may differ by this much (other processors round otherwise). */
export const GOLDEN_TOLERANCE = 1e-5;

export interface GeneralModel {
  readonly folder: ModelFolder;
  readonly manifest: Manifest;
  readonly graph: Graph;
  /** Names of the parameters that adaptation changes. */
  readonly adapted: readonly string[];
}

/** Loads and verifies the model in `path`; every refusal is invalid_model and says which part is at fault. */
export async function loadModel(path: string, options: { device?: Device } = {}): Promise<GeneralModel> {
  const folder = readModelFolder(path);
  const graph = readGraph(folder);
  checkInterface(folder, graph);
  for (const [name, value] of graph.initializers)
    if (!allFinite(value)) throw refused(path, `parameter "${name}" holds NaN or infinity`);
  const adapted = adaptedParameters(folder, graph);
  await checkGoldenBatch(folder, graph, options.device);
  try {
    await (await openAdaptation(graph, adapted, options)).close();
  } catch (error) {
    if (error instanceof GraphError) throw refused(path, error.message, error);
    throw error;
  }
  return { folder, manifest: folder.manifest, graph, adapted };
}

function readGraph(folder: ModelFolder): Graph {
  try {
    return readModel(folder.read(MODEL_FILE));
  } catch (error) {
    if (error instanceof GraphError) throw refused(folder.path, `${MODEL_FILE}: ${error.message}`, error);
    throw error;
  }
}

function adaptedParameters({ path, manifest }: ModelFolder, graph: Graph): readonly string[] {
  const trainable = trainableParameters(graph);
  if (manifest.adapted_parameters === 'all') {
    if (trainable.length === 0) throw refused(path, 'it has no float parameter that the score depends on');
    return trainable;
  }
  for (const name of manifest.adapted_parameters) {
    if (!graph.initializers.has(name)) throw refused(path, `adapted parameter "${name}" is not in ${MODEL_FILE}`);
    if (!trainable.includes(name)) throw refused(path, `adapted parameter "${name}" has no gradient`);
  }
  return manifest.adapted_parameters;
}

/** What the inputs of a feature are called and shaped. */
function inputsOf(
  side: 'user' | 'campaign',
  feature: ManifestFeature,
): { name: string; rank: number; width?: number }[] {
  const name = `${side}.${feature.name}`;
  return feature.kind === 'single'
    ? [{ name, rank: 1 }]
    : [
        { name, rank: 2, width: feature.max_length! },
        { name: `${name}.length`, rank: 1 },
      ];
}

function checkInterface({ path, manifest }: ModelFolder, graph: Graph): void {
  const wanted = (['user', 'campaign'] as const).flatMap((side) =>
    manifest.features[side].flatMap((feature) => inputsOf(side, feature)),
  );
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of graph.inputs)
    if (!names.has(name))
      throw refused(path, `${MODEL_FILE} wants an input "${name}" that is of no feature of the manifest`);
  for (const { name, rank, width } of wanted) {
    if (!graph.inputs.includes(name)) throw refused(path, `${MODEL_FILE} has no input "${name}"`);
    const value = graph.values.get(name)!;
    const isIds = value.dtype === 'int32' || value.dtype === 'int64';
    if (
      !isIds ||
      value.shape.length !== rank ||
      (width !== undefined && typeof value.shape[1] === 'number' && value.shape[1] !== width)
    ) {
      throw refused(
        path,
        `input "${name}" is ${typeText(value)}, not int32 or int64 of [${rank === 1 ? 'batch' : `batch, ${width}`}]`,
      );
    }
  }
  const [output] = graph.outputs;
  const score: Value | undefined = output === undefined ? undefined : graph.values.get(output);
  if (output !== 'score' || !score || score.dtype !== 'float32' || score.shape.length !== 1) {
    throw refused(
      path,
      `its first output is ${score ? `"${output}" ${typeText(score)}` : 'missing'}, not "score" float32[batch]`,
    );
  }
}

async function checkGoldenBatch(
  { path, manifest }: ModelFolder,
  graph: Graph,
  device: Device | undefined,
): Promise<void> {
  const { inputs, scores } = manifest.golden_batch;
  const feeds: Record<string, Tensor> = {};
  for (const name of graph.inputs) {
    const source = inputs[name];
    if (!source || source.shape.reduce((product, dim) => product * dim, 1) !== source.data.length)
      throw refused(path, `the golden batch lacks a sound input "${name}"`);
    feeds[name] = tensor(graph.values.get(name)!.dtype, source.shape, source.data);
  }
  const session = await openSession(graph, device ? { device } : {});
  try {
    const out = await session.run(feeds as Feeds, { outputs: ['score'] });
    const actual = out['score']!.data as Float32Array;
    assert(actual.length > 0, 'a run gives scores');
    if (actual.length !== scores.length)
      throw refused(path, `the golden batch gives ${actual.length} scores, not ${scores.length}`);
    scores.forEach((expected, i) => {
      const difference = Math.abs(actual[i]! - expected);
      if (!(difference <= GOLDEN_TOLERANCE))
        throw refused(
          path,
          `the golden batch is not reproduced: score ${i} is ${actual[i]}, not ${expected} (tolerance ${GOLDEN_TOLERANCE})`,
        );
    });
  } finally {
    await session.close();
  }
}
