/** Members of campaigns, and users known from campaigns that are not in the future. */
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
