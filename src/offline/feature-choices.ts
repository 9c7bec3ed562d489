/**
 * Whether past campaigns are a user feature, and whether numbers count as themselves beside their bands: what either
 * brings to campaigns that are treated as the future.
 */
import { createRng } from '../lib/rng.ts';
import { PAST_CAMPAIGNS } from '../population/past-campaigns.ts';
import { chooseByEvidence, type Gain, gainOf, type Outcome, utilityOf } from './evidence.ts';
import { openFutures } from './futures.ts';
import { populationRidge } from './population-ridge.ts';
import { hasPastCampaigns, type PreparedDataSet, prepareDataSet } from './prepared-data-set.ts';
import { meanOutcome, playSettings } from './tuning.ts';

/** `auto`: where train campaigns say that they help. */
export type PastCampaigns = 'auto' | 'always' | 'never';

export interface FeatureChoice {
  readonly what: 'past campaigns' | 'standardised numbers';
  readonly campaigns: number;
  /** Of the whole-population regression with them over the one without; null where nothing could be tried. */
  readonly gain: Gain | null;
  readonly taken: boolean;
}

/** A data set made ready for training, with or without past campaigns as a user feature. Errors as `prepareDataSet`. */
export async function prepareTrainingData(
  path: string,
  options: {
    readonly pastCampaigns: PastCampaigns;
    readonly seed: number;
    readonly onProgress?: (usersRead: number) => void;
    readonly onChoice?: (choice: FeatureChoice) => void;
  },
): Promise<PreparedDataSet> {
  const { pastCampaigns, seed, onProgress, onChoice } = options;
  const prepared = await prepareDataSet(path, {
    pastCampaigns: pastCampaigns !== 'never',
    ...(onProgress ? { onProgress } : {}),
  });
  return chooseNumbers(await choosePast(prepared));

  async function choosePast(own: PreparedDataSet): Promise<PreparedDataSet> {
    if (pastCampaigns !== 'auto' || !hasPastCampaigns(own)) return own;
    const choice = choosePastCampaigns(own, seed);
    onChoice?.(choice);
    return choice.taken ? own : { ...own, userFeatures: withoutPast(own) };
  }

  function chooseNumbers(own: PreparedDataSet): PreparedDataSet {
    if (!own.userFeatures.some(({ kind }) => kind === 'number')) return own;
    const choice = chooseStandardisedNumbers(own, seed);
    onChoice?.(choice);
    return choice.taken ? own : { ...own, userFeatures: bandsAlone(own) };
  }
}

/** Numbers count as themselves unless campaigns are surely no worse off with bands alone: they are the simpler part. */
function chooseStandardisedNumbers(prepared: PreparedDataSet, seed: number): FeatureChoice {
  const rng = createRng(`train/${seed}/numbers`);
  const [own, other] = [prepared.userFeatures, bandsAlone(prepared)].map((features) =>
    bestOf(playSettings(populationRidge, openFutures(prepared, features), rng).outcomes),
  );
  const campaigns = own!.length;
  const simpler = campaigns > 0 ? { gain: gainOf(other!, own!), isSimpler: true } : null;
  return {
    what: 'standardised numbers',
    campaigns,
    gain: campaigns > 0 ? gainOf(own!, other!) : null,
    taken: simpler === null || chooseByEvidence([simpler], campaigns) === -1,
  };
}

function bandsAlone({ userFeatures }: PreparedDataSet): PreparedDataSet['userFeatures'] {
  return userFeatures.map((feature) =>
    feature.kind === 'number' ? { ...feature, scale: { ...feature.scale!, isLinear: false } } : feature,
  );
}

/**
 * The regression is tried on users with and without the feature, each with the setting that does best. Hidden members
 * and candidates are as often known from other campaigns (see `futureTrial`): "has a past campaign" alone tells
 * nothing.
 */
export function choosePastCampaigns(prepared: PreparedDataSet, seed: number): FeatureChoice {
  const rng = createRng(`train/${seed}/past-campaigns`);
  const [own, other] = [prepared.userFeatures, withoutPast(prepared)].map((features) =>
    bestOf(playSettings(populationRidge, openFutures(prepared, features), rng).outcomes),
  );
  const campaigns = own!.length;
  const gain = campaigns > 0 ? gainOf(own!, other!) : null;
  const taken = gain !== null && chooseByEvidence([{ gain, isSimpler: false }], campaigns) === 0;
  return { what: 'past campaigns', campaigns, gain, taken };
}

function withoutPast({ userFeatures }: PreparedDataSet): PreparedDataSet['userFeatures'] {
  return userFeatures.filter(({ name }) => name !== PAST_CAMPAIGNS);
}

function bestOf(outcomes: readonly (readonly Outcome[])[]): readonly Outcome[] {
  const utility = (own: readonly Outcome[]) => (own.length > 0 ? utilityOf(meanOutcome(own)) : 0);
  return outcomes.reduce((a, b) => (utility(b) > utility(a) ? b : a));
}
