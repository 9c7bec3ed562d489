/**
 * Prepares the demo: a data set, a model for it, its users as a population, and one test campaign with hidden members.
 */

import { join } from 'node:path';
import { type DataSet, openDataSet } from '../dataset/data-set.ts';
import { generateDataSet } from '../dataset/synthetic/synthetic.ts';
import { AppError } from '../lib/errors.ts';
import { PACKAGE_ROOT } from '../lib/package-root.ts';
import { readModelFolder } from '../model/folder.ts';
import { featureOf } from '../model/manifest.ts';
import { importPopulation } from '../population/import.ts';
import { derivedFeatures, openPopulation, type Population } from '../population/read.ts';
import { type CampaignHistory, type History, readHistory } from '../training/history/history.ts';

/**
 * The synthetic population of the demo. The demo's model was trained on people from the same generator with another
 * seed.
 */
export const SYNTHETIC = {
  users: 50_000,
  world: 'demo',
  /**
   * With this seed, the large test campaign (tents) is easy to understand. The seed was chosen for the campaign's
   * features, before any result was seen.
   */
  seed: '2032',
  /** Number of train campaigns, on which the baselines choose their settings. */
  trainCampaigns: 16,
  trainMembers: 400,
  /** Number of test campaigns: a small campaign and a large campaign. */
  testCampaigns: 2,
} as const;

/** The folder of the general model that comes with the code: models/demo, beside `src/` and `dist/`. */
export const DEMO_MODEL = join(PACKAGE_ROOT, 'models', 'demo');

/** Minimum number of seeds. A campaign with fewer seeds would end as `too_small`. */
const MINIMUM_SEEDS = 10;

/** Writes the synthetic data set into `folder`. */
export async function makeSyntheticData(folder: string): Promise<void> {
  await generateDataSet({ out: folder, ...SYNTHETIC });
}

export interface Material {
  readonly dataSet: DataSet;
  readonly population: Population;
  readonly history: History;
  readonly campaign: CampaignHistory;
}

/**
 * Imports the users of the data set into `out`, as a population for the model. Chooses the first large test campaign,
 * or the first test campaign if none is large.
 */
export async function importMaterial(
  data: string,
  model: string,
  out: string,
  onProgress: (users: number) => void,
): Promise<Material> {
  const dataSet = openDataSet(data);
  const features = readModelFolder(model).manifest.features.user.map(featureOf);
  await importPopulation({
    source: data,
    features,
    derived: await derivedFeatures(dataSet, features),
    out,
    onProgress,
  });
  const population = openPopulation(out);
  const history = await readHistory(dataSet, population.directory);
  const usable = history.campaigns.filter(({ split, seeds }) => split === 'test' && seeds.length >= MINIMUM_SEEDS);
  const campaign = usable.find(({ group }) => group === 'large') ?? usable[0];
  if (!campaign)
    throw new AppError(
      'invalid_data',
      `${data} has no test campaign with at least ${MINIMUM_SEEDS} seeds and eval rows`,
    );
  return { dataSet, population, history, campaign };
}
