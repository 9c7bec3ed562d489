/**
 * Members of campaigns, the users known from campaigns that are not in the future, and whether members recur, that is,
 * whether they are members of other campaigns more often than other users.
 */
import { LEAST_CAMPAIGNS } from '../choices/evidence.ts';
import type { CampaignHistory } from './history.ts';

/** Campaigns that are treated as future ones at the same time. */
export type Future = readonly CampaignHistory[];

/** Marks the users who are members of at least one campaign that is not in the future; one byte per user number. */
export function knownUsers(campaigns: readonly CampaignHistory[], future: Future, users: number): Uint8Array {
  const isFuture = new Set(future.map(({ id }) => id));
  const known = new Uint8Array(users);
  for (const campaign of campaigns)
    if (!isFuture.has(campaign.id)) for (const user of membersOf(campaign)) known[user] = 1;
  return known;
}

/** The users with label 1, without repeats, ascending. */
export function membersOf({ train: { users, labels } }: CampaignHistory): Int32Array {
  return Int32Array.from(new Set(users.filter((_, row) => labels[row] === 1))).sort();
}

/** Number of parts that campaigns are split into. Each part in turn plays the future. */
const FOLDS = 4;
/**
 * Members recur if they are members of other campaigns more often than other users are, by at least this many standard
 * errors.
 */
const SURE = 2;

/**
 * The share of a campaign's other users (label 0) who are members of campaigns outside the campaign's part, averaged
 * over all campaigns. Null if it is not certain that members are in such campaigns more often than other users, or if
 * there are too few campaigns to tell.
 *
 * If it is null, membership of past campaigns must not separate members from other users in a trial: if each user
 * belongs to at most one campaign, past membership only identifies non-members.
 */
export function recurrenceOf(campaigns: readonly CampaignHistory[], users: number): number | null {
  const shares: { readonly members: number; readonly others: number }[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const future = campaigns.filter((_, i) => i % FOLDS === fold);
    const isKnown = knownUsers(campaigns, future, users);
    const shareOf = (who: readonly number[]) => who.reduce((sum, user) => sum + isKnown[user]!, 0) / who.length;
    for (const campaign of future) {
      const members = [...membersOf(campaign)];
      const isMember = new Set(members);
      const others = [...new Set(campaign.train.users)].filter((user) => !isMember.has(user));
      if (members.length > 0 && others.length > 0) shares.push({ members: shareOf(members), others: shareOf(others) });
    }
  }
  if (shares.length < LEAST_CAMPAIGNS) return null;
  const differences = shares.map(({ members, others }) => members - others);
  const mean = differences.reduce((sum, x) => sum + x, 0) / shares.length;
  const variance = differences.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (shares.length - 1);
  if (mean <= SURE * Math.sqrt(variance / shares.length)) return null;
  return shares.reduce((sum, { others }) => sum + others, 0) / shares.length;
}
