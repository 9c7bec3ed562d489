/** The quality benchmark on a data set of 90 users: stored results, tables, refusals, and the data set `once`. */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runQuality } from '../../../packages/lab/quality/run.ts';
import { generateDataSet } from '../../../src/dataset/synthetic/synthetic.ts';
import { prepareTrainingData } from '../../../src/training/choices/past-campaigns-choice.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from '../../training/small-data-set.ts';
import { readPlanted } from '../scenarios/planted-data.ts';

let root = '';
let data = '';
beforeAll(() => {
  root = temporaryFolder();
  data = writeSmallDataSet(join(root, 'data'), CAMPAIGNS, { tagged: false });
});

describe('runQuality', { timeout: 180_000 }, () => {
  it('stores results, shows them again, and fills the tables of a page', async () => {
    const [work, out] = [join(root, 'work'), join(root, 'page.md')];
    const notes: string[] = [];
    const run = (...args: string[]) => runQuality([...args, '--work', work], (line) => notes.push(line));
    const asked = ['--data', data, '--steps', '1', '--repeats', '1', '--no-published'];
    const [page] = await run(...asked);
    expect(page!.match(/^## .*$/gm)).toEqual(
      ['Data sets', 'Over all data sets', 'Best baseline', 'Quality', 'Differences', 'Predictions', 'Seconds'].map(
        (name) => `## ${name}`,
      ),
    );
    expect(page).not.toContain(root);
    expect(notes.length).toBeGreaterThan(0);
    notes.length = 0;
    writeFileSync(out, 'Mine.\n\n<!-- table: quality -->\n<!-- end of table -->\n');
    expect(await run(...asked, '--out', out)).toEqual([page]);
    expect(notes).toEqual([]);
    expect(readFileSync(out, 'utf8')).toMatch(/^Mine\.\n\n<!-- table: quality -->\n\n\*\*small\*\*/);
    expect(await run()).toEqual([page]);
  });

  it.each([
    [['--scenarios', 'round'], /unknown scenario round: use one of few-tokens, /],
    [['--derive', 'twice'], /--derive twice is not supported/],
    [['--derive', 'once'], /--out/],
    [['--steps', '0'], /0 is not a whole number/],
    [[], /are missing/],
    [['--work', 'nowhere'], /does not exist/],
  ])('refuses %j', async (args, message) => {
    await expect(runQuality(args, () => {})).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
    });
  });
});

const folderOf = (name: string): string => join(root, name);
const derive = (data: string, out: string) =>
  runQuality(['--derive', 'once', '--data', folderOf(data), '--out', folderOf(out)], () => {});
beforeAll(async () => {
  root = temporaryFolder();
  const sizes = { users: 3000, trainCampaigns: 24, testCampaigns: 22 };
  await generateDataSet({ out: folderOf('people'), ...sizes, seed: '1', audienceShare: 0.15 });
  await derive('people', 'once');
});

describe('deriveOnce', () => {
  it('has 20 train and 20 test campaigns without common members, who all were members before', () => {
    const before = readPlanted(folderOf('people'));
    const { users, campaigns } = readPlanted(folderOf('once'));
    expect(users).toEqual(before.users);
    expect(campaigns.filter(({ split }) => split === 'train')).toHaveLength(20);
    const members = campaigns.flatMap((campaign) => [...campaign.members]);
    expect(members.length).toBeGreaterThan(1000);
    expect(new Set(members).size).toBe(members.length);
    const records = (name: string) =>
      readFileSync(join(folderOf(name), 'campaigns.ndjson'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { campaign_id: string }).campaign_id);
    const source = new Map(records('people').map((id, c) => [id, before.campaigns[c]!]));
    for (const [c, id] of records('once').entries())
      for (const user of campaigns[c]!.members) expect(source.get(id)!.members.has(user)).toBe(true);
  });

  it('has ten small and ten large test campaigns: the large ones have more members, and up to 60 seeds', () => {
    const tests = readPlanted(folderOf('once')).campaigns.filter(({ split }) => split === 'test');
    const of = (group: string) => tests.filter((campaign) => campaign.group === group);
    expect([of('small').length, of('large').length]).toEqual([10, 10]);
    const sizes = (group: string) => of(group).map(({ members }) => members.size);
    expect(Math.min(...sizes('large'))).toBeGreaterThanOrEqual(Math.max(...sizes('small')));
    for (const { group, seeds, members } of tests)
      expect(seeds).toBe(Math.min(group === 'large' ? 60 : 30, members.size >> 1));
  });

  it('can be read completely, without past campaigns as a feature', async () => {
    const { dataSet, history, userFeatures, close } = await prepareTrainingData(folderOf('once'), {
      pastCampaigns: 'auto',
      seed: 1,
    });
    close();
    expect(dataSet.name).toBe('once');
    expect(history.skipped).toEqual([]);
    expect(userFeatures).toEqual(dataSet.userFeatures);
  });

  it('produces equal bytes for equal data', async () => {
    await derive('people', 'again');
    const hash = (name: string) =>
      createHash('sha256')
        .update(readFileSync(join(folderOf(name), 'interactions.csv')))
        .digest('hex');
    expect(hash('again')).toBe(hash('once'));
  });

  it('refuses a folder that exists, and data with too few campaigns', async () => {
    await expect(derive('people', 'once')).rejects.toMatchObject({ code: 'invalid_argument' });
    writeSmallDataSet(folderOf('small'), CAMPAIGNS);
    await expect(derive('small', 'fewer')).rejects.toMatchObject({
      code: 'invalid_data',
      message: 'the data set has 6 train campaigns, but 20 are needed',
    });
  });
});
