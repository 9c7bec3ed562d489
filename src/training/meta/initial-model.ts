/**
 * A general model before and during training: its schema and vocabularies come from the data, then its graph is built,
 * and finally its folder is written.
 */

import {
  type Graph,
  openSession,
  type Parameters,
  type Tensor,
  writeModel,
} from '../../../packages/onnx-grad/index.ts';
import type { Feature } from '../../dataset/features.ts';
import { AppError } from '../../lib/errors.ts';
import { columnOf, hasTokens } from '../../lib/feature-kinds.ts';
import { type MetaHeacFeature, type NumberScale, rowsOfScale } from '../../model/architectures/feature-inputs.ts';
import { buildHeadsAlone, buildMetaHeac, type MetaHeacConfig } from '../../model/architectures/metaheac.ts';
import { hasOwnLogits } from '../../model/blend.ts';
import { type CampaignPrior, encodePriors } from '../../model/campaign-prior.ts';
import { MAXIMUM_LIST_LENGTH, makeFeature } from '../../model/feature-schemas.ts';
import { MODEL_FILE, type ModelContract, type UnversionedModel, writeModelFolder } from '../../model/folder.ts';
import { goldenInputs } from '../../model/interface.ts';
import {
  type AdaptationSettings,
  featureOf,
  type Manifest,
  type ManifestFeature,
  manifestSchema,
  parametersOf,
} from '../../model/manifest.ts';
import { createVocabulary } from '../../model/vocabulary.ts';
import { bind } from '../../online/binding.ts';
import { encodeCampaign, encodeUsers } from '../../online/encode.ts';
import type { CampaignHistory } from '../history/history.ts';
import { type ScaledFeature, withCampaignScales } from '../history/number-scales.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { RECIPES } from '../recipe.ts';
import { HIDDEN, type TrainSettings } from '../settings.ts';

/** Maximum number of tokens of a multi-valued feature without a stated maximum. */
const DEFAULT_MAX_LENGTH = 50;
/** Rows of the golden batch. */
const GOLDEN_ROWS = 16;

export interface InitialModel {
  readonly graph: Graph;
  /** The graph to export if the experts add nothing; absent if there are no heads. */
  readonly headsAlone?: Graph;
  /** The contract to use for binding and encoding while the model has no folder yet. */
  readonly folder: ModelContract;
  readonly tokens: ReadonlyMap<string, readonly string[]>;
}

/**
 * Builds the initial model. User vocabularies are the population's dictionaries (the `kept` tokens of a feature, if
 * some are cut); campaign vocabularies are the tokens of the train campaigns. Parameters are initialised from the seed.
 * Anything that the manifest cannot represent causes an error now, not after hours of training. Errors: invalid_data,
 * or invalid_argument for the name.
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
  for (const { name, kept } of userFeatures.filter(({ kind }) => hasTokens(kind))) {
    const dictionary = population.dictionary(name);
    const codes = kept?.codes ?? Int32Array.from({ length: dictionary.size - 1 }, (_, i) => i + 1);
    tokens.set(
      `user.${name}`,
      Array.from(codes, (code) => dictionary.token(code)),
    );
  }
  const campaignFeatures = withCampaignScales(campaigns, dataSet.campaignFeatures);
  for (const { name, kind } of campaignFeatures)
    if (hasTokens(kind)) tokens.set(`campaign.${name}`, campaignTokens(campaigns, name));
  const features = {
    user: describe(dataSet.path, 'user', userFeatures, tokens),
    campaign: describe(dataSet.path, 'campaign', campaignFeatures, tokens),
  };
  const sized = (list: readonly ManifestFeature[], scaled: readonly ScaledFeature[]): MetaHeacFeature[] =>
    list.map((feature, i) => {
      const { scale } = scaled[i]!;
      return {
        ...featureOf(feature),
        kind: columnOf(feature.kind),
        rows: rowsOf(feature, scale),
        ...(scale ? { scale } : {}),
      };
    });
  const config: MetaHeacConfig = {
    user: sized(features.user, userFeatures),
    campaign: sized(features.campaign, campaignFeatures),
    embedding: settings.embedding,
    hidden: HIDDEN,
    experts: settings.experts,
    critics: settings.critics,
    ...recipe.architecture,
  };
  const { heads } = config;
  const graph = buildMetaHeac(config, recipe.initial(prepared, settings));
  const own = (name: string): Tensor => graph.initializers.get(name)!;
  const assembled = assembleInitialModel({
    name: settings.name,
    graph,
    manifest: { features, adaptation: settings.adaptation },
    tokens,
  });
  return heads ? { ...assembled, headsAlone: buildHeadsAlone({ ...config, heads }, own) } : assembled;
}

/** Returns the features in the form that the manifest uses. */
function describe(
  path: string,
  side: 'user' | 'campaign',
  features: readonly ScaledFeature[],
  tokens: ReadonlyMap<string, readonly string[]>,
): ManifestFeature[] {
  return features.map((feature) =>
    describeOne(path, side, feature, 1 + (tokens.get(`${side}.${feature.name}`)?.length ?? 0)),
  );
}

function rowsOf(feature: ManifestFeature, scale: NumberScale | undefined): number {
  return 'vocabulary_size' in feature ? feature.vocabulary_size : rowsOfScale(scale!, columnOf(feature.kind));
}

function describeOne(
  path: string,
  side: 'user' | 'campaign',
  feature: ScaledFeature,
  vocabulary_size: number,
): ManifestFeature {
  const { name, kind, size, scale } = feature;
  const max_length = columnOf(kind) === 'multi' ? maximumLength(path, side, feature) : undefined;
  return makeFeature(name, kind, { vocabulary_size, max_length, size, missing: null, edges: scale?.edges });
}

function maximumLength(
  path: string,
  side: 'user' | 'campaign',
  { name, maxLength = DEFAULT_MAX_LENGTH }: Feature,
): number {
  if (maxLength <= MAXIMUM_LIST_LENGTH) return maxLength;
  const most = `a model reads at most ${MAXIMUM_LIST_LENGTH} tokens of a list`;
  throw new AppError('invalid_data', `${path}: ${side} feature "${name}" has max_length ${maxLength}, but ${most}`);
}

/** The content of an initial model as plain data that can be passed to a thread. */
export interface InitialModelContent {
  readonly name: string;
  readonly graph: Graph;
  readonly manifest: ModelContract['manifest'];
  readonly tokens: ReadonlyMap<string, readonly string[]>;
}

export function assembleInitialModel({ name, graph, manifest, tokens }: InitialModelContent): InitialModel {
  const vocabularies = new Map([...tokens].map(([feature, list]) => [feature, createVocabulary(list)]));
  const folder: ModelContract = { path: name, manifest, vocabularies };
  return { graph, folder, tokens };
}

/** Tokens of a campaign feature, in order of first use; the empty token is id 0. */
function campaignTokens(campaigns: readonly CampaignHistory[], feature: string): string[] {
  const found = new Set<string>();
  for (const { features } of campaigns) {
    const value = features[feature];
    for (const token of [value ?? []].flat()) found.add(String(token));
  }
  found.delete('');
  return [...found];
}

/**
 * Writes the model folder: the graph with `parameters`, and a golden batch of users of the population. If the blend
 * gives no weight to the model's own logits, only the heads' graph is exported.
 */
export async function exportModel(
  prepared: PreparedDataSet,
  initialModel: InitialModel,
  parameters: Parameters,
  out: string,
  rest: Pick<Manifest, 'name' | 'created' | 'adaptation' | 'evaluation' | 'training'>,
  priors: readonly CampaignPrior[] = [],
): Promise<Manifest> {
  const { adaptation } = rest;
  const isWhole = adaptation.optimiser === 'adam' || hasOwnLogits(adaptation);
  const built = isWhole ? initialModel.graph : (initialModel.headsAlone ?? initialModel.graph);
  const graph: Graph = {
    ...built,
    initializers: new Map([...built.initializers.keys()].map((name) => [name, parameters.get(name)!])),
  };
  const bytes = writeModel(graph, { producer: 'metaheac' });
  const trained: UnversionedModel = {
    files: new Map([[MODEL_FILE, bytes], ...priorFiles(adaptation, priors)]),
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

/** The files of the priors that the adaptation uses. */
function priorFiles(adaptation: AdaptationSettings, priors: readonly CampaignPrior[]): ReadonlyMap<string, Uint8Array> {
  const stated = adaptation.optimiser === 'gradient_descent' ? (adaptation.priors ?? []) : [];
  return encodePriors(stated.map(({ power }) => priors.find((own) => own.power === power)!));
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
  return { inputs: goldenInputs(graph, feeds), scores: Array.from(out['score']!.data as Float32Array) };
}
