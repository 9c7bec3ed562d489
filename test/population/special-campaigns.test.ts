/** Labels of special categories in a data set, and in the population that is imported from it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openPopulation } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { importUsers, refusalOf, USERS, writeDataSet } from './support.ts';

const folder = temporaryFolder();
const source = join(folder, 'data');
const out = join(folder, 'population');
const labelled = (rows: readonly object[]) =>
  writeFileSync(join(source, 'campaigns.ndjson'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

it('are kept by an import, and change the version', async () => {
  const { version } = await importUsers(source, out, USERS);
  expect(openPopulation(out).specialCampaigns).toEqual({});
  labelled([
    { campaign_id: 'c2', special_categories: ['credit', 'housing'] },
    { campaign_id: 'c1', special_categories: ['credit'] },
    { campaign_id: 'c3' },
  ]);
  expect((await importUsers(source, out, USERS)).version).not.toBe(version);
  expect(openPopulation(out).specialCampaigns).toEqual({ housing: ['c2'], credit: ['c1', 'c2'] });
});

it('are refused by file and line if they name no category', async () => {
  writeDataSet(source, USERS);
  labelled([{ campaign_id: 'c1' }, { campaign_id: 'c2', special_categories: ['shoes'] }]);
  const refusal = await refusalOf(() => importUsers(source, out, USERS));
  expect(refusal.message).toMatch(/campaigns\.ndjson:2: special_categories must be a list of housing, /);
});
