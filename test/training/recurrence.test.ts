import { describe, expect, it } from 'vitest';
import { createRng, sample } from '../../src/lib/rng.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
import { recurrenceOf } from '../../src/training/history/members.ts';
import { campaignOf } from './planted.ts';

const USERS = 1000;
const all = Int32Array.from({ length: USERS }, (_, user) => user);

/** Twenty campaigns of thirty members, drawn from `pool`, and a hundred others, drawn from everyone. */
function campaignsOf(pool: Int32Array): CampaignHistory[] {
  const rng = createRng('recurrence');
  return Array.from({ length: 20 }, (_, c) =>
    campaignOf(`c${c}`, [...sample(rng, pool, 30)], [...sample(rng, all, 100)]),
  );
}

describe('recurrenceOf', () => {
  it('is the share of others who are known, if members are known more often', () => {
    // a tenth of the users makes up all members, and nearly all of it is known
    const share = recurrenceOf(campaignsOf(all.subarray(0, 100)), USERS);
    expect(share).toBeGreaterThan(0.06);
    expect(share).toBeLessThan(0.14);
  });

  it('is null if members recur as often as others do', () => {
    expect(recurrenceOf(campaignsOf(all), USERS)).toBeNull();
  });

  it('is null if each user is a member of one campaign, and others are members of others', () => {
    const campaigns = Array.from({ length: 20 }, (_, c) => {
      const members = all.subarray(30 * c, 30 * c + 30);
      return campaignOf(`c${c}`, [...members], [...all.filter((user) => !members.includes(user))]);
    });
    expect(recurrenceOf(campaigns, USERS)).toBeNull();
  });

  it('is null if there are too few campaigns to tell', () => {
    const campaigns = campaignsOf(all.subarray(0, 40));
    expect(recurrenceOf(campaigns.slice(0, 3), USERS)).toBeNull();
    expect(recurrenceOf([], USERS)).toBeNull();
    expect(recurrenceOf(campaigns.slice(0, 8), USERS)).not.toBeNull();
  });
});
