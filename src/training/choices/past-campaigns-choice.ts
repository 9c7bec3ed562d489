/** Decides whether past campaigns become a user feature, by their gain on campaigns that are treated as future ones. */
import { createRng } from '../../lib/rng.ts';
import { PAST_CAMPAIGNS } from '../../population/read.ts';
import { populationRidge } from '../baselines/population-ridge.ts';
import { openFutures } from '../history/futures.ts';
import { hasPastCampaigns, type PreparedDataSet, prepareDataSet } from '../history/prepared-data-set.ts';
import { chooseByEvidence, type Gain, gainOf } from './evidence.ts';
import { playSettings } from './tuning.ts';

/** Whether to use past campaigns. `auto`: only if they help on train campaigns. */
export type PastCampaigns = 'auto' | 'always' | 'never';

export interface PastCampaignsChoice {
  readonly campaigns: number;
  /**
   * Gain of the whole-population regression with past campaigns over the regression without them; null if there was no
   * campaign to try.
   */
  readonly gain: Gain | null;
  readonly taken: boolean;
}

/**
 * Prepares a data set for training, with or without past campaigns as a user feature. Errors as in `prepareDataSet`.
 */
export async function prepareTrainingData(
  path: string,
  options: {
    readonly pastCampaigns: PastCampaigns;
    readonly seed: number;
    /** Maximum number of tokens per user feature; the most frequent are kept. Default: all. */
    readonly maximumTokens?: number;
    readonly onProgress?: (usersRead: number) => void;
    readonly onChoice?: (choice: PastCampaignsChoice) => void;
  },
): Promise<PreparedDataSet> {
  const { pastCampaigns, seed, maximumTokens, onProgress, onChoice } = options;
  const prepared = await prepareDataSet(path, {
    pastCampaigns: pastCampaigns !== 'never',
    ...(maximumTokens ? { maximumTokens } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  if (pastCampaigns !== 'auto' || !hasPastCampaigns(prepared)) return prepared;
  const choice = choosePastCampaigns(prepared, seed);
  onChoice?.(choice);
  return choice.taken ? prepared : { ...prepared, userFeatures: withoutPast(prepared) };
}

/**
 * Tries the regression on users with and without the feature, each with its best setting. Unless members recur, the
 * trials are drawn so that equal shares of hidden members and of candidates are known from other campaigns (see
 * `futureTrial`), so that being a member of a past campaign reveals nothing by itself.
 */
function choosePastCampaigns(prepared: PreparedDataSet, seed: number): PastCampaignsChoice {
  const rng = createRng(`train/${seed}/past-campaigns`);
  const [own, other] = [prepared.userFeatures, withoutPast(prepared)].map((features) => {
    const { outcomes, best } = playSettings(populationRidge, openFutures(prepared, features), rng);
    return outcomes[best]!;
  });
  const campaigns = own!.length;
  const gain = campaigns > 0 ? gainOf(own!, other!) : null;
  const taken = gain !== null && chooseByEvidence([{ gain, isSimpler: false }], campaigns) === 0;
  return { campaigns, gain, taken };
}

function withoutPast({ userFeatures }: PreparedDataSet): PreparedDataSet['userFeatures'] {
  return userFeatures.filter(({ name }) => name !== PAST_CAMPAIGNS);
}
