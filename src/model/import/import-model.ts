/**
 * Turns an exported ONNX file into a model folder: everything that the service relies on is checked before anything is
 * written.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type AdaptationProgram,
  type Device,
  filesIn,
  type Graph,
  GraphError,
  readModel,
  selfContained,
} from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng } from '../../lib/rng.ts';
import { MANIFEST_FILE, MODEL_FILE, refused, sha256Of, stageModelFolder, type UnversionedModel } from '../folder.ts';
import { checkInterface, goldenInputs, randomFeeds } from '../interface.ts';
import { adaptedParameters, type Contract, checkHighestIds, checkWeights, openProgram } from '../load.ts';
import type { Manifest } from '../manifest.ts';
import { contractGraph, readingOf } from '../model-graph.ts';
import {
  differentiableAmong,
  type ParameterRole,
  type RefusedGradient,
  refusedGradients,
  rolesOf,
  type Selection,
  selectParameters,
} from '../parameter-roles.ts';
import { checkScores, type DryRun, dryRun, refusalOf } from './dry-run.ts';
import { type ImportSchema, readImportSchema } from './schema.ts';
import { scoreRange } from './score-range.ts';

/** Maximum size of a file that ONNX Runtime loads in one piece. */
const MAXIMUM_FILE_BYTES = 2 ** 31 - 1;
const GOLDEN_ROWS = 16;
/** Allowed excess over the range of a probability, for float32 constants such as the weights of a mean. */
const ROUNDING = 1e-5;
/** Key of the random stream for the generated users. */
const KEY = 'import';

export interface ImportOptions {
  /** The ONNX file. */
  readonly file: string;
  /** schema.json. */
  readonly schema: string;
  /** Model folder to write. An existing model folder is replaced; any other existing folder is rejected. */
  readonly out: string;
  /** Name of the model. Default: the schema's name, otherwise the file's name. */
  readonly name?: string;
  /** ISO 8601. */
  readonly created: string;
  readonly device?: Device;
  /**
   * Tests the written folder before it is moved to its final place. If the test throws, the import fails and leaves
   * nothing behind. The test covers the stages after loading, which this module knows nothing about.
   */
  readonly test?: (folder: string) => Promise<void>;
}

export interface ImportReport {
  readonly manifest: Manifest;
  readonly schema: ImportSchema;
  readonly graph: Graph;
  readonly parameters: readonly ParameterRole[];
  /** Number of nodes by op, most frequent first. */
  readonly ops: ReadonlyMap<string, number>;
  /**
   * Why a fixed parameter is not adapted. An adapted parameter always has a gradient: if it had none, the whole model
   * would be rejected.
   */
  readonly refused: readonly RefusedGradient[];
  readonly dryRun: DryRun;
}

/**
 * Reads the file and its external data, checks inputs, output and weights, differentiates the graph, scores users with
 * the highest ids, adapts the model to a generated campaign, and writes the folder, which `test` may still reject.
 * `loadModel` accepts any model that this function accepts.
 * @throws AppError invalid_model, invalid_argument (the schema), storage_failed
 */
export async function importModel(options: ImportOptions): Promise<ImportReport> {
  const schema = readImportSchema(options.schema);
  const name = options.name ?? schema.name ?? basename(options.file).replace(/\.onnx$/i, '');
  checkOut(options.out);
  const { graph: read, contents } = readExport(options.file);
  const path = options.file;
  const reading = readingOf(path, read, schema);
  const graph = contractGraph(path, read, reading);
  checkInterface(path, schema.features, graph, 'schema');
  checkWeights(path, graph);
  const selection = selectParameters(graph, schema.adaptedParameters, schema.fixed, `schema ${schema.path}`);
  const contract: Contract = {
    path,
    manifest: {
      features: schema.features,
      adapted_parameters: namesOf(selection, graph),
      adaptation: schema.adaptation,
    },
  };
  adaptedParameters(contract, graph);
  if (selection.adapted.length === 0) throw refused(path, 'the schema leaves no parameter to adapt');
  refuseGradients(path, selection, graph);
  refuseLogits(path, selection, graph);
  const tried = await tryModel(contract, schema, graph, selection, options.device);
  const staged = stageModelFolder(options.out, {
    ...contents,
    vocabularies: schema.tokens(),
    manifest: {
      name,
      created: options.created,
      ...reading,
      adapted_parameters: contract.manifest.adapted_parameters,
      adaptation: schema.adaptation,
      evaluation: null,
      training: schema.training,
      golden_batch: tried.goldenBatch,
    },
  });
  try {
    await options.test?.(staged.path);
  } catch (error) {
    staged.remove();
    throw error;
  }
  staged.publish();
  const { manifest } = staged;
  return {
    manifest,
    schema,
    graph,
    parameters: tried.roles,
    ops: countOps(read),
    refused: refusedGradients(graph, differentiableAmong(selection.fixed.keys(), graph)),
    dryRun: tried.dryRun,
  };
}

/**
 * Returns the graph of an exported file and the file to write. The file to write is the exported file itself or, if
 * that file has external data, the bytes of a self-contained file. Only one copy of a large file is in memory at a
 * time.
 * @throws AppError invalid_model if the file cannot be read
 */
export function readExport(file: string): { graph: Graph; contents: Pick<UnversionedModel, 'files' | 'copies'> } {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw refused(file, stat ? 'the path is not a file' : 'not found');
  if (stat.size > MAXIMUM_FILE_BYTES)
    throw refused(file, `the file has ${stat.size} bytes; at most ${MAXIMUM_FILE_BYTES} are supported`);
  try {
    const bytes = readFileSync(file);
    const whole = selfContained(bytes, filesIn(dirname(file)));
    if (whole !== bytes) return { graph: readModel(whole), contents: { files: new Map([[MODEL_FILE, whole]]) } };
    const copies = new Map([[MODEL_FILE, { of: file, sha256: sha256Of(bytes) }]]);
    return { graph: readModel(bytes, { inPlace: true }), contents: { files: new Map(), copies } };
  } catch (error) {
    if (error instanceof GraphError) throw refused(file, error.message, error);
    throw error;
  }
}

/** A folder that is not a model may be someone's data, so it is not replaced. */
function checkOut(out: string): void {
  if (!existsSync(out)) return;
  const isReplaced =
    statSync(out).isDirectory() && (existsSync(join(out, MANIFEST_FILE)) || readdirSync(out).length === 0);
  if (!isReplaced) throw new AppError('invalid_argument', `${out} already exists and is not a model folder`);
}

/** Returns "all" if the loader would find the same parameter names by itself. */
function namesOf({ adapted, fixed }: Selection, graph: Graph): Manifest['adapted_parameters'] {
  const isAll = differentiableAmong(fixed.keys(), graph).length === 0;
  return isAll || adapted.length === 0 ? 'all' : [...adapted];
}

function refuseGradients(path: string, { adapted }: Selection, graph: Graph): void {
  const refusals = refusedGradients(graph, adapted);
  if (refusals.length === 0) return;
  const sentences = refusals.map(
    ({ parameters, sentence }) =>
      `${sentence}, but parameter ${parameters.map((name) => `"${name}"`).join(', ')} needs it`,
  );
  throw refused(
    path,
    `${sentences.join('; ')}. Change the model, or list these parameters as "fixed" in the schema to adapt ` +
      'only the others',
  );
}

function refuseLogits(path: string, { adapted }: Selection, graph: Graph): void {
  const [low, high] = scoreRange(graph, adapted);
  if (low >= -ROUNDING && high <= 1 + ROUNDING) return;
  throw refused(
    path,
    `nothing in the graph keeps the score between 0 and 1 (its range is ${low} to ${high}), but a score must be a ` +
      'probability: end the model with a sigmoid (in PyTorch: torch.sigmoid(logit)) or, if the score already is a ' +
      'probability, with a clip (torch.clamp(score, 0, 1))',
  );
}

interface Tried {
  readonly roles: readonly ParameterRole[];
  readonly dryRun: DryRun;
  readonly goldenBatch: Manifest['golden_batch'];
}

async function tryModel(
  contract: Contract,
  schema: ImportSchema,
  graph: Graph,
  selection: Selection,
  device: Device | undefined,
): Promise<Tried> {
  const { path } = contract;
  const rng = createRng(KEY);
  const program = await openProgram(contract, graph, selection.adapted, device ? { device } : {});
  try {
    await checkHighestIds(contract, graph, program);
    return {
      goldenBatch: await makeGoldenBatch(path, schema.features, graph, program, rng.fork('golden batch')),
      dryRun: await dryRun(path, graph, program, schema, rng.fork('dry run')),
      roles: rolesOf(graph, selection, program.cut),
    };
  } finally {
    await program.close();
  }
}

async function makeGoldenBatch(
  path: string,
  features: Manifest['features'],
  graph: Graph,
  program: AdaptationProgram,
  rng: Rng,
): Promise<Manifest['golden_batch']> {
  const feeds = randomFeeds(graph, features, GOLDEN_ROWS, rng);
  let scores: Float32Array;
  try {
    // use compact tables, because a session of the whole model would hold two more copies of the model
    scores = await (await program.start(graph.initializers, [], [feeds])).scores(0);
  } catch (error) {
    throw refusalOf(path, graph, error);
  }
  await checkScores(path, { graph, features, feeds }, scores);
  return { inputs: goldenInputs(graph, feeds), scores: Array.from(scores) };
}

/** Number of nodes by op, most frequent first. */
export function countOps(graph: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return new Map([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
