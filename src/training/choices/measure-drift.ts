/**
 * Trials that measure drift: past campaigns are predicted from their earliest members, and the predictions are compared
 * with the later members.
 */
import type { Parameters } from '../../../packages/onnx-grad/index.ts';
import { createRng } from '../../lib/rng.ts';
import type { AdaptationSettings, Drift } from '../../model/manifest.ts';
import type { HeldOut } from '../history/held-out.ts';
import type { CampaignHistory } from '../history/history.ts';
import { membersOf } from '../history/members.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import type { Learners } from '../meta/learners.ts';
import { trialsPerCampaign } from '../meta/validation.ts';
import { fitDrift } from './drift.ts';

/** Numbers of seeds to take from a campaign, limited to half of its members. */
const DRIFT_SEEDS = [10, 50, 200, 1000] as const;
/**
 * Maximum number of campaigns. More campaigns would make the mean accurate to .01, but take as long as the training.
 */
const MOST_CAMPAIGNS = 40;
/** With fewer campaigns than this, drift is not measured. */
const LEAST_CAMPAIGNS = 3;

/**
 * The drift of the held-out campaigns in which every member has a time; null if there are too few such campaigns.
 * `parameters` are the parameters of a model that has not seen these campaigns.
 */
export async function measureDrift(
  { population, dataSet }: PreparedDataSet,
  { campaigns, held }: HeldOut,
  learners: Learners,
  parameters: Parameters,
  { seed, adaptation }: { readonly seed: number; readonly adaptation: AdaptationSettings },
): Promise<Drift | null> {
  const dated = held.filter(hasTimes);
  if (dated.length < LEAST_CAMPAIGNS) return null;
  const key = `train/${seed}/drift`;
  const settings = adaptation.optimiser === 'gradient_descent' ? [adaptation] : [];
  const future = held.map(({ id }) => id);
  const trials = trialsPerCampaign(campaigns, dated, MOST_CAMPAIGNS, DRIFT_SEEDS, population, createRng(key), key);
  const pairs = await learners.predict(
    parameters,
    trials.map((campaign) => ({ ...campaign, future, settings })),
  );
  const measured = pairs.filter((own) => own.some((pair) => pair !== null)).length;
  if (measured < LEAST_CAMPAIGNS) return null;
  // a campaign that is too small has fewer seed sets
  const bins = DRIFT_SEEDS.map((_, i) => pairs.flatMap((own) => own[i] ?? []));
  return { data: dataSet.name, campaigns: measured, ...periodOf(dated), by_seeds: fitDrift(bins) };
}

/** Whether each member has a time; otherwise the first members need not be the earliest. */
function hasTimes(campaign: CampaignHistory): boolean {
  const { users, labels, times } = campaign.train;
  if (!times) return false;
  const dated = new Set(users.filter((_, row) => labels[row] === 1 && !Number.isNaN(times[row]!)));
  return membersOf(campaign).every((user) => dated.has(user));
}

function periodOf(campaigns: readonly CampaignHistory[]): Pick<Drift, 'from' | 'until'> {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { train } of campaigns)
    for (const [row, time] of train.times!.entries()) {
      if (train.labels[row] !== 1 || Number.isNaN(time)) continue;
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
  return { from: new Date(first).toISOString(), until: new Date(last).toISOString() };
}
