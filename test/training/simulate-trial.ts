/** A train campaign as a trial, with some of its members as the seeds. */
import { type Rng, sample } from '../../src/lib/rng.ts';
import type { Trial } from '../../src/training/choices/trial.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';

/**
 * A train campaign as a trial: `count` of its members (at most half) are the seeds, the rows of everyone else are
 * evaluated. null if there is no seed, or if the evaluated rows do not have both labels.
 */
export function simulateTrial(campaign: CampaignHistory, count: number, rng: Rng): Trial | null {
  const { users, labels } = campaign.train;
  // a user may have several rows
  const members = Int32Array.from(new Set(users.filter((_, row) => labels[row] === 1)));
  const size = Math.min(count, Math.floor(members.length / 2));
  if (size < 1) return null;
  const seeds = sample(rng, members, size).sort();
  const isSeed = new Set(seeds);
  const isRest = (_: number, row: number): boolean => !isSeed.has(users[row]!);
  const evaluation = { users: users.filter(isRest), labels: labels.filter(isRest) };
  if (!evaluation.labels.includes(1) || !evaluation.labels.includes(0)) return null;
  return { id: campaign.id, features: campaign.features, group: null, seeds, evaluation, reach: campaign.reach };
}
