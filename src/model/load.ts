/**
 * Loads and verifies a general model: its folder, its graph against the schema, finite weights, its golden batch, its
 * derivative.
 */

import {
  type AdaptationProgram,
  allFinite,
  type Device,
  findLinearTerm,
  type Graph,
  GraphError,
  openAdaptation,
  openSession,
  type Session,
  splitHeads,
  type Tensor,
  tensor,
  trainableParameters,
  typeText,
} from '../../packages/onnx-grad/index.ts';
import { messageOf } from '../lib/errors.ts';
import { blendOf, formsOf } from './blend.ts';
import { type CampaignPrior, checkPriors, readPriors } from './campaign-prior.ts';
import { MODEL_FILE, type ModelContract, type ModelFolder, readModelFolder, refused } from './folder.ts';
import { checkInterface, inputsOf, SIDES } from './interface.ts';
import {
  type DescentSettings,
  linearParameters,
  type Manifest,
  parametersOf,
  regressionParameter,
} from './manifest.ts';
import { readFolderGraph } from './model-graph.ts';

/** Tolerance for the scores of the golden batch, because processors round differently. */
export const GOLDEN_TOLERANCE = 1e-5;

/** A model that can be adapted: a general model, or one that is still being trained. */
export interface AdaptableModel {
  readonly folder: ModelContract;
  readonly manifest: ModelContract['manifest'];
  readonly graph: Graph;
  readonly adapted: readonly string[];
  /** The priors of the model's regressions. */
  readonly priors?: readonly CampaignPrior[];
}

export interface GeneralModel extends AdaptableModel {
  readonly folder: ModelFolder;
  readonly manifest: Manifest;
}

/** A general model that this processor has scored. */
export interface VerifiedModel extends GeneralModel {
  /** The scores that this processor computes for the golden batch. */
  readonly golden: Float32Array;
}

/** The data that the checks of a graph need, from a loaded folder or from a folder that is yet to be written. */
export interface Contract {
  /** The path that names the model in errors. */
  readonly path: string;
  readonly manifest: Pick<Manifest, 'features' | 'adapted_parameters' | 'adaptation'>;
}

/** Loads and verifies the model in `path`; every fault causes an `invalid_model` error that names the faulty part. */
export async function loadModel(path: string, options: { device?: Device } = {}): Promise<VerifiedModel> {
  const folder = readModelFolder(path);
  const graph = readFolderGraph(folder);
  checkInterface(path, folder.manifest.features, graph);
  checkWeights(path, graph);
  const adapted = adaptedParameters(folder, graph);
  const golden = await checkGoldenBatch(folder, graph, options.device);
  const program = await openProgram(folder, graph, adapted, options);
  try {
    await checkHighestIds(folder, graph, program);
  } finally {
    await program.close();
  }
  return { folder, manifest: folder.manifest, graph, adapted, priors: priorsOf(folder, graph), golden };
}

function priorsOf(folder: ModelFolder, graph: Graph): readonly CampaignPrior[] {
  const { adaptation } = folder.manifest;
  const parameter = adaptation.optimiser === 'gradient_descent' ? regressionParameter(adaptation) : null;
  return parameter === null ? [] : readPriors(folder, graph.initializers.get(parameter)!.data.length);
}

/** Rejects parameters with NaN or infinity. */
export function checkWeights(path: string, graph: Graph): void {
  for (const [name, value] of graph.initializers)
    if (!allFinite(value)) throw refused(path, `parameter "${name}" contains NaN or infinity`);
}

/**
 * Opens a session with the model itself, because ONNX Runtime knows some sizes only after constant folding. A model
 * that ONNX Runtime rejects causes an `invalid_model` error.
 */
async function openModelSession(path: string, graph: Graph, device: Device | undefined): Promise<Session> {
  try {
    return await openSession(graph, device ? { device } : {});
  } catch (error) {
    throw refused(path, `ONNX Runtime does not accept the model: ${messageOf(error)}`, error);
  }
}

/**
 * Differentiates the model. An op without a gradient causes an `invalid_model` error that names the op's node and the
 * path from the loss.
 */
export async function openProgram(
  { path }: Contract,
  graph: Graph,
  adapted: readonly string[],
  options: { device?: Device },
): Promise<AdaptationProgram> {
  try {
    return await openAdaptation(graph, adapted, options);
  } catch (error) {
    if (error instanceof GraphError) throw refused(path, error.message, error);
    throw refused(path, `ONNX Runtime does not accept the model: ${messageOf(error)}`, error);
  }
}

/** The parameters that the manifest says to adapt. Each must exist, be float32, and have a gradient. */
export function adaptedParameters({ path, manifest }: Contract, graph: Graph): readonly string[] {
  const trainable = trainableParameters(graph);
  const adapted = manifest.adapted_parameters === 'all' ? trainable : manifest.adapted_parameters;
  if (adapted.length === 0) throw refused(path, 'the model has no float parameter on which the score depends');
  const { adaptation } = manifest;
  if (adaptation.optimiser === 'gradient_descent') {
    const named = parametersOf(adaptation);
    if (named.length !== adapted.length || named.some((name) => !adapted.includes(name)))
      throw refused(
        path,
        `the adaptation changes ${named.join(', ')}, but the adapted parameters are ${adapted.join(', ')}`,
      );
    const accompanied = formsOf(adaptation).flatMap((form) =>
      form.kind === 'logistic' ? Object.keys(form.strengths) : [],
    );
    const stray = accompanied.find((name) => adaptation.rates[name] === undefined);
    if (stray !== undefined)
      throw refused(path, `the logistic regression has a strength for ${stray}, which has no rate`);
  }
  for (const name of adapted) {
    const value = graph.initializers.get(name);
    if (!value) throw refused(path, `adapted parameter "${name}" is not in ${MODEL_FILE}`);
    if (!trainable.includes(name)) throw refused(path, `adapted parameter "${name}" has no gradient`);
    if (value.dtype !== 'float32')
      throw refused(
        path,
        `adapted parameter "${name}" is ${typeText(value)}: only float32 can be adapted; cast the model ` +
          'before the export (in PyTorch: model.float())',
      );
  }
  if (adaptation.optimiser === 'gradient_descent') {
    checkPriors(path, adaptation);
    const { heads, parts } = blendOf(adaptation);
    if ([heads, ...parts.map(({ share }) => share)].every(({ few, many }) => few === 0 && many === 0))
      throw refused(path, 'no part of the stack has a weight');
    checkLinearTerm(path, adaptation, graph);
  }
  return adapted;
}

/**
 * Gradient descent changes one logit, to which the regressions are added. So every adapted parameter must act through
 * that logit.
 */
function checkLinearTerm(path: string, adaptation: DescentSettings, graph: Graph): void {
  const { scale } = adaptation;
  const regression = regressionParameter(adaptation);
  if (scale !== undefined && graph.initializers.get(scale)?.data.length !== 1)
    throw refused(path, `the scale ${scale} is not a parameter of one element`);
  const linear = linearParameters(adaptation);
  const term = findLinearTerm(splitHeads(graph, linear).head, linear);
  if (term === null)
    throw refused(
      path,
      `gradient descent needs parameters that only shift logits, but ${linear.join(', ')} have other effects`,
    );
  if (regression !== null && !term.lookups.some(({ parameter }) => parameter === regression))
    throw refused(path, `the regression needs a table of user features, but ${regression} is not one`);
}

/** Returns the scores that this processor computes. */
async function checkGoldenBatch(folder: ModelFolder, graph: Graph, device: Device | undefined): Promise<Float32Array> {
  const { path, manifest } = folder;
  const { scores } = manifest.golden_batch;
  const actual = await runGoldenBatch(folder, graph, device);
  if (actual.length !== scores.length)
    throw refused(path, `the golden batch produces ${actual.length} scores, not ${scores.length}`);
  scores.forEach((expected, i) => {
    const difference = Math.abs(actual[i]! - expected);
    if (!(difference <= GOLDEN_TOLERANCE))
      throw refused(
        path,
        `the golden batch is not reproduced: score ${i} is ${actual[i]}, not ${expected} (tolerance ` +
          `${GOLDEN_TOLERANCE})`,
      );
  });
  return actual;
}

async function runGoldenBatch(
  { path, manifest }: ModelFolder,
  graph: Graph,
  device: Device | undefined,
): Promise<Float32Array> {
  const { inputs } = manifest.golden_batch;
  const feeds: Record<string, Tensor> = {};
  for (const name of graph.inputs) {
    const source = inputs[name];
    if (!source || source.shape.reduce((product, dim) => product * dim, 1) !== source.data.length)
      throw refused(path, `the golden batch lacks a valid input "${name}"`);
    feeds[name] = tensor(
      graph.values.get(name)!.dtype,
      source.shape,
      source.data.map((value) => value ?? Number.NaN),
    );
  }
  const session = await openModelSession(path, graph, device);
  try {
    return (await session.run(feeds, { outputs: ['score'] }))['score']!.data as Float32Array;
  } catch (error) {
    throw refused(path, `the golden batch cannot be run: ${messageOf(error)}`, error);
  } finally {
    await session.close();
  }
}

/**
 * Scores a user with the highest id in every feature. A table that is smaller than its vocabulary would otherwise fail
 * in the middle of an expansion.
 */
export async function checkHighestIds(
  { path, manifest }: Contract,
  graph: Graph,
  program: AdaptationProgram,
): Promise<void> {
  const feeds: Record<string, Tensor> = {};
  for (const side of SIDES) {
    for (const feature of manifest.features[side]) {
      for (const { name, width, highest } of inputsOf(side, feature)) {
        if (!graph.inputs.includes(name)) continue;
        const shape = width === undefined ? [1] : [1, width];
        const data = new Array<number>(width ?? 1).fill(highest);
        feeds[name] = tensor(graph.values.get(name)!.dtype, shape, data);
      }
    }
  }
  try {
    await (await program.start(graph.initializers, [], [feeds])).scores(0);
  } catch (error) {
    throw refused(path, `the model cannot score the highest ids of its vocabularies: ${messageOf(error)}`, error);
  }
}
