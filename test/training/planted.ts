/** A small one-hot matrix with a planted audience, for the tests of the baselines. */
import { createRng } from '../../src/lib/rng.ts';
import type { Futures } from '../../src/training/history/futures.ts';
import { type CampaignHistory, labelledRows } from '../../src/training/history/history.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';

export const PLANTED_USERS = 600;
const WIDTH = 40;

/**
 * Users with 5 of 40 tokens; users 0, 5, 10, ... are members and have three of the tokens 0-4. The last user has no
 * token.
 */
export function plantOneHot(): OneHot {
  const rng = createRng('planted');
  const lists = Array.from({ length: PLANTED_USERS }, (_, user) => {
    const tokens = new Set<number>();
    if (isPlantedMember(user)) while (tokens.size < 3) tokens.add(rng.integer(5));
    while (tokens.size < 5) tokens.add(rng.integer(WIDTH));
    return user === PLANTED_USERS - 1 ? [] : [...tokens];
  });
  const offsets = new Int32Array(PLANTED_USERS + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return { offsets, tokens: Int32Array.from(lists.flat()), width: WIDTH, users: Int32Array.from(lists.keys()) };
}

export function isPlantedMember(user: number): boolean {
  return user % 5 === 0;
}

/** The whole numbers from `from` up to `to`, without `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** A train campaign whose members and others are these users. */
export function campaignOf(id: string, members: readonly number[], others: readonly number[] = []): CampaignHistory {
  return {
    id,
    features: {},
    split: 'train',
    group: null,
    train: labelledRows(Int32Array.from(members), Int32Array.from(others)),
    seeds: new Int32Array(0),
    evaluation: { users: new Int32Array(0), labels: new Uint8Array(0) },
  };
}

/** A campaign with the planted members, or with others: every user is a train row. */
export function plantCampaign(
  id: string,
  split: 'train' | 'test',
  isMember: (user: number) => boolean = isPlantedMember,
): CampaignHistory {
  const users = range(0, PLANTED_USERS);
  const labels = Uint8Array.from(users, (user) => (isMember(user) ? 1 : 0));
  return { ...campaignOf(id, users), split, train: { users: Int32Array.from(users), labels } };
}

/**
 * Train campaigns of a one-hot matrix, as `openFutures` gives them; `columns` are those of the campaigns' own tokens.
 */
export function plantFutures(
  oneHot: OneHot,
  campaigns: readonly CampaignHistory[],
  columns: Readonly<Record<string, number>> = {},
): Futures {
  const rowOf = new Int32Array(oneHot.offsets.length - 1).fill(-1);
  oneHot.users.forEach((user, row) => {
    rowOf[user] = row;
  });
  return {
    population: { rowOf },
    recurrence: null,
    campaigns,
    oneHot,
    columnOf: (campaign) => columns[campaign] ?? -1,
  };
}
