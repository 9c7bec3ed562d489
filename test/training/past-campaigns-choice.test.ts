/** Past campaigns as a user feature: taken if they reveal tastes, and not for facts that hold only in the past. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import {
  type PastCampaigns,
  type PastCampaignsChoice,
  prepareTrainingData,
} from '../../src/training/choices/past-campaigns-choice.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';

let root = '';
beforeAll(() => {
  root = temporaryFolder();
});

const USERS = 600;

/** Users whose tag is drawn at random; campaign c has the members that `isMember` says. */
function writeData(
  count: number,
  isMember: (user: number, campaign: number, rng: Rng) => boolean,
  extra: Readonly<Record<string, string>> = {},
): string {
  const folder = newFolder(root);
  const rng = createRng('past campaigns');
  const names = [{ name: 'tag', kind: 'single' }, ...Object.keys(extra).map((name) => ({ name, kind: 'single' }))];
  writeFileSync(
    join(folder, 'dataset.json'),
    JSON.stringify({ name: 'past', user_features: names, campaign_features: [] }),
  );
  const users = Array.from({ length: USERS }, (_, user) => ({
    user_id: `u${user}`,
    tag: `tag ${rng.integer(4)}`,
    ...extra,
  }));
  writeFileSync(join(folder, 'users.ndjson'), users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  const campaigns = Array.from({ length: count }, (_, c) => c);
  writeFileSync(
    join(folder, 'campaigns.ndjson'),
    campaigns.map((c) => `${JSON.stringify({ campaign_id: `c${c}`, split: 'train' })}\n`).join(''),
  );
  const rows = campaigns.flatMap((c) =>
    users.map((_, user) => `c${c},u${user},${isMember(user, c, rng) ? 1 : 0},train\n`),
  );
  writeFileSync(join(folder, 'interactions.csv'), `campaign_id,user_id,label,stage\n${rows.join('')}`);
  return folder;
}

const tasteOf = (user: number) => user % 4;
/**
 * A campaign of one of the tastes: half of those who have it, and few others; users are in three campaigns on average.
 */
const byTaste = (user: number, campaign: number, rng: Rng) =>
  rng.uniform() < (tasteOf(user) === campaign % 4 ? 0.5 : 0.1);
/** Every user but the last hundred is in one campaign, whatever the taste. */
const once = (count: number) => (user: number, campaign: number) => user < USERS - 100 && user % count === campaign;

async function open(data: string, pastCampaigns: PastCampaigns, seed = 1) {
  const told: PastCampaignsChoice[] = [];
  const prepared = await prepareTrainingData(data, {
    pastCampaigns,
    seed,
    onChoice: (choice) => told.push(choice),
  });
  const names = prepared.userFeatures.map(({ name }) => name);
  prepared.close();
  return { names, told };
}

describe('openTrainingWorkspace, with automatic choice', () => {
  it('uses past campaigns when they reveal tastes that the other features do not', async () => {
    const { names, told } = await open(writeData(16, byTaste), 'auto');
    expect(names).toEqual(['tag', PAST_CAMPAIGNS]);
    expect(told).toHaveLength(1);
    const [{ taken, campaigns, gain }] = told as [PastCampaignsChoice];
    expect([taken, campaigns]).toEqual([true, 16]);
    expect(gain!.auc.mean).toBeGreaterThan(0.1);
    expect(gain!.auc.mean).toBeGreaterThan(4 * gain!.auc.error);
  });

  it('leaves them out when every user is in one campaign: being in none identifies users now, but not in the future', async () => {
    const { names, told } = await open(writeData(10, once(10)), 'auto');
    expect(names).toEqual(['tag']);
    const [{ taken, gain, campaigns }] = told as [PastCampaignsChoice];
    expect(taken).toBe(false);
    expect(campaigns).toBeGreaterThanOrEqual(4);
    // the members have no token left, and are ranked among users who have none either
    expect(Math.abs(gain!.auc.mean)).toBeLessThan(0.02);
  });

  it('leaves them out if they are random', async () => {
    const { names } = await open(
      writeData(12, (_, __, rng) => rng.uniform() < 0.3),
      'auto',
    );
    expect(names).toEqual(['tag']);
  });

  it('leaves them out when too few campaigns are informative, or none can be evaluated', async () => {
    const few = await open(writeData(3, byTaste), 'auto');
    expect(few.names).toEqual(['tag']);
    expect(few.told[0]).toMatchObject({ campaigns: 3, taken: false });
    const none = await open(
      writeData(3, (user, campaign) => user === campaign),
      'auto',
    );
    expect(none).toEqual({ names: ['tag'], told: [{ campaigns: 0, gain: null, taken: false }] });
  });
});

describe('openTrainingWorkspace, with a fixed choice', () => {
  it('uses past campaigns always or never, and tries nothing', async () => {
    const data = writeData(16, byTaste);
    expect(await open(data, 'never')).toEqual({ names: ['tag'], told: [] });
    const alone = writeData(10, once(10));
    expect(await open(alone, 'always')).toEqual({ names: ['tag', PAST_CAMPAIGNS], told: [] });
  });

  it('has nothing to choose when the data set gives the feature itself', async () => {
    const data = writeData(6, byTaste, { [PAST_CAMPAIGNS]: 'own' });
    for (const when of ['auto', 'always', 'never'] as const)
      expect(await open(data, when)).toEqual({ names: ['tag', PAST_CAMPAIGNS], told: [] });
  });
});
