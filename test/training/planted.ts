/** A small one-hot matrix with a planted audience, for the tests of the baselines. */
import { createRng } from '../../src/lib/rng.ts';
import type { Futures } from '../../src/training/history/futures.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
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

/** A campaign with the planted members, or with others: every user is a train row. */
export function plantCampaign(
  id: string,
  split: 'train' | 'test',
  isMember: (user: number) => boolean = isPlantedMember,
): CampaignHistory {
  const users = Int32Array.from({ length: PLANTED_USERS }, (_, user) => user);
  const labels = Uint8Array.from(users, (user) => (isMember(user) ? 1 : 0));
  const empty = { users: new Int32Array(0), labels: new Uint8Array(0) };
  return {
    id,
    features: {},
    split,
    group: null,
    train: { users, labels },
    seeds: new Int32Array(0),
    evaluation: empty,
  };
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
