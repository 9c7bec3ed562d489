/** Prepares a population for training without campaigns: its frequent tokens serve as campaigns. */

import { basename, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { columnOf } from '../../lib/feature-kinds.ts';
import { createRng } from '../../lib/rng.ts';
import { buildOneHot } from './one-hot.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { drawTokens, TOKEN_CHOICE, type TokenChoice, tokenCampaigns } from './token-campaigns.ts';
import { openTrainingPopulation } from './training-population.ts';

/** The number of campaigns made from one feature's tokens. */
export interface ChosenTokens {
  readonly feature: string;
  readonly campaigns: number;
  /** The smallest and the largest number of holders of a chosen token. */
  readonly holders: readonly [number, number];
}

/**
 * The population in `path` as a data set without campaign features. Its train campaigns are tokens, and it has no test
 * campaigns. Each campaign hides its token and equivalent tokens by replacing them with other tokens. Errors:
 * invalid_population; invalid_data if no token has enough holders, or if no feature is left to distinguish users by.
 */
export function prepareSelfSupervised(
  path: string,
  options: {
    readonly seed: number;
    /** Maximum number of tokens per user feature; the most frequent are kept. Default: all. */
    readonly maximumTokens?: number;
    readonly choice?: TokenChoice;
  },
): { readonly prepared: PreparedDataSet; readonly chosen: readonly ChosenTokens[] } {
  const { seed, maximumTokens, choice = TOKEN_CHOICE } = options;
  const { population, features, userFeatures } = openTrainingPopulation(path, maximumTokens);
  const source = { population, features, oneHot: buildOneHot(population, features) };
  const rng = createRng(`train/${seed}/campaigns`);
  const tokens = tokenCampaigns(source, choice, rng);
  if (tokens.length === 0)
    throw new AppError(
      'invalid_data',
      `no token of ${path} has at least ${choice.leastHolders} holders and at most half of the ` +
        `${population.rowCount} users, so there is nothing to learn from`,
    );
  if (features.length === 1 && columnOf(features[0]!.kind) === 'single')
    throw new AppError(
      'invalid_data',
      `${path} has only the single-valued feature "${features[0]!.name}": no other feature distinguishes its holders`,
    );
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
