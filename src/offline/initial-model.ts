/**
 * A general model before and during training: its schema and vocabularies from the data, its graph, and finally its
 * folder.
 */

import type { Parameters } from '../adaptation/compaction.ts';
import { buildMetaHeac } from '../architectures/metaheac.ts';
import type { Feature } from '../dataset/features.ts';
import { type Graph, type Tensor, writeModel } from '../graph/index.ts';
import { AppError } from '../lib/errors.ts';
import { MODEL_FILE, type ModelContract, type UnversionedModel, writeModelFolder } from '../model/folder.ts';
import {
  MAXIMUM_LIST_LENGTH,
  type Manifest,
  type ManifestFeature,
  manifestSchema,
  parametersOf,
} from '../model/manifest.ts';
import { createVocabulary } from '../model/vocabulary.ts';
import { bind } from '../online/binding.ts';
import { encodeCampaign, encodeUsers } from '../online/encode.ts';
import { openSession } from '../runtime/session.ts';
import type { CampaignHistory } from './history.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { RECIPES } from './recipe.ts';
import { HIDDEN, type TrainSettings } from './settings.ts';

/** Maximum number of tokens of a multi-valued feature without a stated maximum. */
const DEFAULT_MAX_LENGTH = 50;
/** Rows of the golden batch. */
const GOLDEN_ROWS = 16;

export interface InitialModel {
  readonly graph: Graph;
  /** For binding and encoding; there is no folder yet. */
  readonly folder: ModelContract;
  readonly tokens: ReadonlyMap<string, readonly string[]>;
}

/**
 * Vocabularies: the population's dictionaries for users, the train campaigns' tokens for campaigns. Parameters are
 * initialised from the seed. Anything that the manifest cannot represent is refused now, not after hours of training:
 * invalid_data, or invalid_argument for the name.
 */
export function createInitialModel(
  prepared: PreparedDataSet,
  campaigns: readonly CampaignHistory[],
  settings: TrainSettings,
): InitialModel {
  const { dataSet, population, userFeatures } = prepared;
  const recipe = RECIPES[settings.recipe];
  if (!manifestSchema.shape.name.safeParse(settings.name).success)
    throw new AppError('invalid_argument', `the model's name "${settings.name}" is not text of 1 to 128 characters`);
  const tokens = new Map<string, readonly string[]>();
  for (const { name } of userFeatures) {
    const dictionary = population.dictionary(name);
    tokens.set(
      `user.${name}`,
      Array.from({ length: dictionary.size - 1 }, (_, i) => dictionary.token(i + 1)),
    );
  }
  for (const { name } of dataSet.campaignFeatures) tokens.set(`campaign.${name}`, campaignTokens(campaigns, name));
  const features = {
    user: describe(dataSet.path, 'user', userFeatures, tokens),
    campaign: describe(dataSet.path, 'campaign', dataSet.campaignFeatures, tokens),
  };
  const sized = (list: readonly ManifestFeature[]) =>
    list.map(({ name, kind, max_length, vocabulary_size }) => ({
      name,
      kind,
      rows: vocabulary_size,
      ...(max_length === undefined ? {} : { maxLength: max_length }),
    }));
  const graph = buildMetaHeac(
    {
      user: sized(features.user),
      campaign: sized(features.campaign),
      embedding: settings.embedding,
      hidden: HIDDEN,
      experts: settings.experts,
      critics: settings.critics,
      ...recipe.architecture,
    },
    recipe.initial(prepared, settings),
  );
  return assembleInitialModel({
    name: settings.name,
    graph,
    manifest: { features, adaptation: settings.adaptation },
    tokens,
  });
}

/** Features as the manifest has them. */
function describe(
  path: string,
  side: 'user' | 'campaign',
  features: readonly Feature[],
  tokens: ReadonlyMap<string, readonly string[]>,
): ManifestFeature[] {
  return features.map(({ name, kind, maxLength = DEFAULT_MAX_LENGTH }) => {
    if (kind === 'multi' && maxLength > MAXIMUM_LIST_LENGTH) {
      const message =
        `${side} feature "${name}" has max_length ${maxLength}, and a model reads at most ` +
        `${MAXIMUM_LIST_LENGTH} tokens of a list`;
      throw new AppError('invalid_data', `${path}: ${message}`);
    }
    return {
      name,
      kind,
      ...(kind === 'multi' ? { max_length: maxLength } : {}),
      vocabulary_size: tokens.get(`${side}.${name}`)!.length + 1,
    };
  });
}

/** The content of an initial model: plain data that can be passed to a thread. */
export interface InitialModelParts {
  readonly name: string;
  readonly graph: Graph;
  readonly manifest: ModelContract['manifest'];
  readonly tokens: ReadonlyMap<string, readonly string[]>;
}

export function assembleInitialModel({ name, graph, manifest, tokens }: InitialModelParts): InitialModel {
  const vocabularies = new Map([...tokens].map(([feature, list]) => [feature, createVocabulary(list)]));
  const folder: ModelContract = { path: name, manifest, vocabularies };
  return { graph, folder, tokens };
}

/** Tokens of a campaign feature, in order of first use; the empty one is id 0. */
function campaignTokens(campaigns: readonly CampaignHistory[], feature: string): string[] {
  const found = new Set<string>();
  for (const { features } of campaigns) {
    const value = features[feature];
    for (const token of value === undefined ? [] : typeof value === 'string' ? [value] : value) found.add(token);
  }
  found.delete('');
  return [...found];
}

/** Writes the model folder: the graph with `parameters`, and a golden batch of users of the population. */
export async function exportModel(
  prepared: PreparedDataSet,
  initialModel: InitialModel,
  parameters: Parameters,
  out: string,
  rest: Pick<Manifest, 'name' | 'created' | 'adaptation' | 'evaluation' | 'training'>,
): Promise<Manifest> {
  const graph: Graph = {
    ...initialModel.graph,
    initializers: new Map([...initialModel.graph.initializers.keys()].map((name) => [name, parameters.get(name)!])),
  };
  const bytes = writeModel(graph, { producer: 'metaheac' });
  const trained: UnversionedModel = {
    files: new Map([[MODEL_FILE, bytes]]),
    vocabularies: initialModel.tokens,
    manifest: {
      ...rest,
      features: initialModel.folder.manifest.features,
      adapted_parameters: rest.adaptation.optimiser === 'adam' ? 'all' : parametersOf(rest.adaptation),
      golden_batch: await goldenBatch(prepared, initialModel, graph, bytes),
    },
  };
  return writeModelFolder(out, trained);
}

async function goldenBatch(
  { population, history }: PreparedDataSet,
  initialModel: InitialModel,
  graph: Graph,
  bytes: Uint8Array,
): Promise<Manifest['golden_batch']> {
  const count = Math.min(GOLDEN_ROWS, population.rowCount);
  const rows = population.readRows(
    Int32Array.from({ length: count }, (_, i) => Math.floor((i * population.rowCount) / count)),
  );
  const binding = bind(initialModel.folder, population);
  const feeds: Record<string, Tensor> = {
    ...encodeUsers(graph, binding, rows),
    ...encodeCampaign(graph, initialModel.folder, history.campaigns[0]?.features ?? {}, count),
  };
  const session = await openSession(bytes);
  const out = await session.run(feeds, { outputs: ['score'] });
  await session.close();
  const inputs = Object.fromEntries(
    graph.inputs.map((name) => [
      name,
      { shape: [...feeds[name]!.shape], data: Array.from(feeds[name]!.data as Int32Array, Number) },
    ]),
  );
  return { inputs, scores: Array.from(out['score']!.data as Float32Array) };
}
