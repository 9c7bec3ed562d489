/** A population prepared for training without campaigns: its frequent tokens are the campaigns. */
import { basename, resolve } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { createRng } from '../lib/rng.ts';
import { openPopulation, type Population } from '../population/population.ts';
import { isTokenColumn, startOf } from '../population/segments.ts';
import { keepTokens } from './kept-tokens.ts';
import { type ScaledFeature, withScales } from './number-scales.ts';
import { buildOneHot } from './one-hot.ts';
import { coveringLength, type PreparedDataSet } from './prepared-data-set.ts';
import { drawTokens, TOKEN_CHOICE, type TokenChoice, tokenCampaigns } from './token-campaigns.ts';

/** How many campaigns a feature gave. */
export interface ChosenTokens {
  readonly feature: string;
  readonly campaigns: number;
  /** The fewest holders, and the most. */
  readonly holders: readonly [number, number];
}

/**
 * The population in `path` as a data set without campaign features whose train campaigns are tokens; there are no test
 * campaigns. Each hides itself and what says the same: its holders have other tokens in their place. Errors:
 * invalid_population; invalid_data if no token has enough holders, or nothing is left to tell users apart by.
 */
export function prepareSelfSupervised(
  path: string,
  options: {
    readonly seed: number;
    /** Of each user feature, the most frequent ones; the default is all. */
    readonly maximumTokens?: number;
    readonly choice?: TokenChoice;
  },
): { readonly prepared: PreparedDataSet; readonly chosen: readonly ChosenTokens[] } {
  const { seed, maximumTokens = Number.POSITIVE_INFINITY, choice = TOKEN_CHOICE } = options;
  const population = openPopulation(path);
  const features = keepTokens(population, withScales(population, population.features), maximumTokens);
  const source = { population, features, oneHot: buildOneHot(population, features) };
  const rng = createRng(`train/${seed}/campaigns`);
  const tokens = tokenCampaigns(source, choice, rng);
  if (tokens.length === 0)
    throw new AppError(
      'invalid_data',
      `no token of ${path} has ${choice.leastHolders} holders or more and at most half of its ` +
        `${population.rowCount} users: there is nothing to learn from`,
    );
  if (features.length === 1 && features[0]!.kind === 'single')
    throw new AppError(
      'invalid_data',
      `${path} has only the feature "${features[0]!.name}", of one value: nothing is left to find its holders by`,
    );
  const userFeatures = withLengths(population, features);
  const history = { campaigns: tokens.map(({ campaign }) => campaign), skipped: [] };
  const byCampaign = new Map(tokens.map((one) => [one.campaign.id, one.hidden]));
  const hidden = { byCampaign, draws: drawTokens(source, rng.fork('draws')) };
  const dataSet = { path, name: basename(resolve(path)), userFeatures, campaignFeatures: [] };
  const chosen = features.flatMap(({ name }) => {
    const sizes = tokens
      .filter(({ feature }) => feature === name)
      .map(({ campaign }) => campaign.train.labels.reduce((sum, label) => sum + label, 0));
    const holders = [Math.min(...sizes), Math.max(...sizes)] as const;
    return sizes.length === 0 ? [] : [{ feature: name, campaigns: sizes.length, holders }];
  });
  return { prepared: { dataSet, population, userFeatures, history, hidden, close: () => {} }, chosen };
}

/** Lists are read at the length that covers nearly all of them: a population does not say how much a model reads. */
function withLengths(population: Population, features: readonly ScaledFeature[]): ScaledFeature[] {
  const lengths = new Map(
    features.filter(({ kind }) => kind === 'multi').map(({ name }) => [name, new Int32Array(population.rowCount)]),
  );
  let first = 0;
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { columns, count } = population.readSegment(segment);
    for (const [name, own] of lengths) {
      const column = columns.get(name)!;
      if (!isTokenColumn(column)) continue;
      for (let row = 0; row < count; row++) own[first + row] = startOf(column, row + 1) - startOf(column, row);
    }
    first += count;
  }
  return features.map((feature) => {
    const own = lengths.get(feature.name);
    return own ? { ...feature, maxLength: coveringLength(own) } : feature;
  });
}
