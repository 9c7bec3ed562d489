/**
 * Held-out campaigns: the train campaigns that training does not see. Some rows of other campaigns are removed as well,
 * so that held-out campaigns are as new as future ones.
 */
import { createRng, shuffle } from '../../lib/rng.ts';
import { type CampaignHistory, keepRows } from './history.ts';
import { membersOf } from './members.ts';

export interface HeldOut {
  /** All campaigns, unchanged. */
  readonly campaigns: readonly CampaignHistory[];
  /** The campaigns to train on. */
  readonly training: readonly CampaignHistory[];
  readonly held: readonly CampaignHistory[];
}

/**
 * Users of held-out campaigns are also removed from the training rows, unless they make up more than this share of the
 * users in these rows, as happens if most users recur.
 */
const FORGETTABLE = 0.4;

/** With fewer campaigns than this, no campaigns are held out. */
export const LEAST_TO_HOLD_OUT = 3;

/**
 * Holds out a share of the campaigns, at least one if there are three or more. The held-out campaigns are drawn with
 * `key`, or are the last ones if `byTime`.
 */
export function holdOut(campaigns: readonly CampaignHistory[], share: number, key: string, byTime = false): HeldOut {
  const order = Int32Array.from(campaigns.keys());
  if (byTime) order.reverse();
  else shuffle(createRng(key), order);
  const count = campaigns.length < LEAST_TO_HOLD_OUT ? 0 : Math.max(1, Math.round(campaigns.length * share));
  const isHeld = new Set(order.subarray(0, count));
  const held = campaigns.filter((_, i) => isHeld.has(i));
  const rest = campaigns.filter((_, i) => !isHeld.has(i));
  const heldMembers = allMembersOf(held);
  const users = new Set(rest.flatMap(({ train }) => [...train.users]));
  let shared = 0;
  for (const user of heldMembers) if (users.has(user)) shared += 1;
  if (shared === 0 || shared > FORGETTABLE * users.size) return { campaigns, training: rest, held };
  const training = rest.map((campaign) => ({
    ...campaign,
    train: keepRows(campaign.train, (user) => !heldMembers.has(user)),
  }));
  const usable = training.filter(({ train }) => train.labels.includes(1) && train.labels.includes(0));
  // a slightly optimistic validation is better than training without campaigns
  return { campaigns, training: 2 * usable.length >= rest.length ? usable : rest, held };
}

/**
 * Members count as being in only one campaign each if the number of users in two campaigns is below this share of the
 * number expected by chance.
 */
const APART = 0.1;

/** Whether (almost) nobody is a member of two of the campaigns, although by chance some of `users` users would be. */
function areApart(campaigns: readonly CampaignHistory[], users: number): boolean {
  const sizes = campaigns.map((campaign) => membersOf(campaign).length);
  const memberships = sizes.reduce((sum, size) => sum + size, 0);
  const inNone = sizes.reduce((share, size) => share * (1 - Math.min(size / users, 1)), 1);
  const atRandom = memberships / (users * (1 - inNone));
  const members = allMembersOf(campaigns).size;
  return members > 0 && memberships / members - 1 < APART * (atRandom - 1);
}

/**
 * If members are in only one campaign each, removes the rows of users who are not members of any campaign. Otherwise a
 * model would learn to distinguish members of any campaign from all other users, although the members of future
 * campaigns are among these other users. A campaign that would lose all rows of one label is not changed.
 */
export function withoutUsersWithoutPositives(
  campaigns: readonly CampaignHistory[],
  users: number,
): readonly CampaignHistory[] {
  if (!areApart(campaigns, users)) return campaigns;
  const members = allMembersOf(campaigns);
  return campaigns.map((campaign) => {
    const train = keepRows(campaign.train, (user) => members.has(user));
    return train.labels.includes(0) ? { ...campaign, train } : campaign;
  });
}

function allMembersOf(campaigns: readonly CampaignHistory[]): Set<number> {
  const out = new Set<number>();
  for (const campaign of campaigns) for (const user of membersOf(campaign)) out.add(user);
  return out;
}
