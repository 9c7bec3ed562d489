/**
 * Recipes: a general model's architecture, its episodes and its meta-training. One loop trains the models of all
 * recipes.
 */

import type { Device, Graph } from '../../packages/onnx-grad/index.ts';
import { columnOf } from '../lib/feature-kinds.ts';
import { createRng, type Rng } from '../lib/rng.ts';
import { HEADS, LATENT_TABLE, latentMap } from '../model/architectures/heads.ts';
import { type Initial, type MetaHeacConfig, randomInitial } from '../model/architectures/metaheac.ts';
import type { CampaignHistory } from './history/history.ts';
import { buildOneHot } from './history/one-hot.ts';
import type { PreparedDataSet } from './history/prepared-data-set.ts';
import { type SampledBatch, sampleEpisode, sampleHeadsEpisode } from './meta/episodes.ts';
import { openHeadsProgram } from './meta/heads-step.ts';
import { latentStart } from './meta/latent-start.ts';
import { type MetaProgram, openMetaProgram } from './meta/meta-step.ts';
import { vectorStart } from './meta/vector-start.ts';
import { LATENT_SIZE, type RecipeName, type TrainSettings } from './settings.ts';

export interface SampledEpisode {
  readonly features: CampaignHistory['features'];
  readonly support: SampledBatch;
  readonly query: SampledBatch;
}

export interface Recipe {
  /** Whether past campaigns are a user feature. */
  readonly pastCampaigns: boolean;
  readonly architecture: Pick<MetaHeacConfig, 'pooling' | 'heads'>;
  initial(prepared: PreparedDataSet, settings: TrainSettings): Initial;
  openProgram(
    graph: Graph,
    parameters: readonly string[],
    settings: TrainSettings,
    device: Device,
  ): Promise<MetaProgram>;
  /** Samples an episode of a campaign; null if the campaign is too small. */
  sampleEpisode(rng: Rng, campaign: CampaignHistory, settings: TrainSettings): SampledEpisode | null;
}

/**
 * The probability of blanking a campaign feature in an episode, so that the model learns to cope with unknown values.
 */
const BLANKED = 0.3;

export const RECIPES: Readonly<Record<RecipeName, Recipe>> = {
  published: {
    pastCampaigns: false,
    architecture: {},
    initial: (_, settings) => ownInitial(settings),
    openProgram: (graph, parameters, { firstOrder }, device) =>
      openMetaProgram(graph, parameters, { firstOrder, device }),
    sampleEpisode: (rng, { features, train }, { batchSize }) => ({ features, ...sampleEpisode(rng, train, batchSize) }),
  },
  'meta-heads': {
    pastCampaigns: true,
    architecture: { pooling: 'root', heads: { latent: LATENT_SIZE } },
    initial(prepared, settings) {
      const own = ownInitial(settings);
      const oneHot = buildOneHot(prepared.population, prepared.userFeatures);
      const vectors = latentStart(oneHot, LATENT_SIZE, createRng(`train/${settings.seed}/latent`));
      const maps = latentMaps(prepared, settings);
      return (name, shape, fanIn) => {
        if (name === LATENT_TABLE) return { dtype: 'float32', shape, data: vectors };
        const map = maps.get(name);
        if (map) return { dtype: 'float32', shape, data: map(shape[1]!) };
        // the heads start at zero, because everything specific to a campaign comes from them
        if (name === HEADS.scale) return own(name, shape, fanIn);
        if (name.startsWith('heads.') || name.startsWith('latent.'))
          return { dtype: 'float32', shape, data: new Float32Array(shape.reduce((product, dim) => product * dim, 1)) };
        return own(name, shape, fanIn);
      };
    },
    // frozen parameters stay constants of the graph, without a gradient
    openProgram: (graph, parameters, { firstOrder, heads, frozen }, device) =>
      openHeadsProgram(
        graph,
        parameters.filter((name) => !frozen.includes(name)),
        {
          rates: heads.innerRates,
          innerSteps: heads.innerSteps,
          firstOrder,
          device,
        },
      ),
    sampleEpisode(rng, { features, train }) {
      const kept = Object.fromEntries(Object.entries(features).filter(() => rng.uniform() >= BLANKED));
      const sampled = sampleHeadsEpisode(rng, train);
      return sampled && { features: kept, ...sampled };
    },
  },
};

/**
 * The initial maps of vectors into the latent space, by parameter. Each map is computed for a given number of
 * dimensions.
 */
function latentMaps(
  { population, userFeatures }: PreparedDataSet,
  { seed }: TrainSettings,
): ReadonlyMap<string, (rank: number) => Float32Array> {
  const rng = createRng(`train/${seed}/vectors`);
  const maps = userFeatures
    .filter(({ kind }) => columnOf(kind) === 'vector')
    .map(({ name, scale }): [string, (rank: number) => Float32Array] => [
      latentMap(name),
      (rank) => vectorStart(population, name, scale!, rank, rng.fork(name)),
    ]);
  return new Map(maps);
}

/** Random parameters. Row 0 of a table (unknown and empty) starts at zero, because training may never change it. */
function ownInitial(settings: TrainSettings): Initial {
  const initial = randomInitial(createRng(`train/${settings.seed}/initial`));
  return (name, shape, fanIn) => {
    const value = initial(name, shape, fanIn);
    if (name.endsWith('.embedding')) (value.data as Float32Array).fill(0, 0, settings.embedding);
    return value;
  };
}
