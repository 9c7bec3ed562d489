/** Past campaigns: whose members the history names, and how they become a feature of a population. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataSet } from '../../src/dataset/data-set.ts';
import type { Feature } from '../../src/dataset/features.ts';
import { importPopulation } from '../../src/population/import/import.ts';
import type { Derived } from '../../src/population/import/json-users.ts';
import { PAST_CAMPAIGNS, readPastCampaigns } from '../../src/population/read/past-campaigns.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { useFolders } from '../fixture/folders.ts';
import { codesOf, FEATURES, refusalOf, USERS, writeDataSet } from './support.ts';

const newFolder = useFolders();

const CAMPAIGNS = [
  { campaign_id: 'spring', split: 'train' },
  { campaign_id: 'odd, "one"', split: 'train' },
  { campaign_id: 'tomorrow', split: 'test' },
];
const ROWS = [
  'spring,anna,1,train',
  'spring,bob,0,train',
  '"odd, ""one""",anna,1,train',
  '"odd, ""one""",çelik,1,train',
  'tomorrow,bob,1,seed',
  'tomorrow,anna,1,eval',
  '',
];

function dataSetOf(rows: readonly string[] = ROWS, features: readonly Feature[] = FEATURES): string {
  const folder = writeDataSet(newFolder(), USERS, { features });
  writeFileSync(join(folder, 'campaigns.ndjson'), CAMPAIGNS.map((one) => `${JSON.stringify(one)}\n`).join(''));
  writeFileSync(join(folder, 'interactions.csv'), `campaign_id,user_id,label,stage\n${rows.join('\n')}`);
  return folder;
}

const pastOf = async (folder: string) => Object.fromEntries(await readPastCampaigns(openDataSet(folder)));

describe('readPastCampaigns', () => {
  it('names for each member the train campaigns, in the order of the file, and nothing of other rows', async () => {
    expect(await pastOf(dataSetOf())).toEqual({ anna: ['spring', 'odd, "one"'], çelik: ['odd, "one"'] });
  });

  it('names a campaign once, however often a row is there', async () => {
    const rows = ['spring,anna,1,train', '"odd, ""one""",anna,1,train', 'spring,anna,1,train', 'spring,anna,0,train'];
    expect(await pastOf(dataSetOf(rows))).toEqual({ anna: ['spring', 'odd, "one"'] });
  });

  it('reads rows with times, and refuses one without among them', async () => {
    const text = 'campaign_id,user_id,label,stage,time\nspring,anna,1,train,2026-01-02\nspring,bob,0,train,\n';
    const folder = dataSetOf();
    writeFileSync(join(folder, 'interactions.csv'), text);
    expect(await pastOf(folder)).toEqual({ anna: ['spring'] });
    writeFileSync(join(folder, 'interactions.csv'), `${text}spring,bob,1,train`);
    expect((await refusalOf(() => pastOf(folder))).message).toContain(
      'interactions.csv:4: the row has 4 fields, but 5',
    );
  });

  it('does not take a seed or an evaluation row of a train campaign for history', async () => {
    expect(await pastOf(dataSetOf(['spring,anna,1,seed', 'spring,bob,1,eval']))).toEqual({});
  });

  it('refuses a data set that has a feature of this name', async () => {
    const folder = dataSetOf(ROWS, [...FEATURES, { name: PAST_CAMPAIGNS, kind: 'multi' }]);
    const refusal = await refusalOf(() => pastOf(folder));
    expect(refusal.code).toBe('invalid_data');
    expect(refusal.message).toContain('dataset.json: "past_campaigns"');
  });

  it('refuses a row of another number of columns, naming its line', async () => {
    const refusal = await refusalOf(() => pastOf(dataSetOf(['spring,anna,1,train', 'spring,anna,1'])));
    expect(refusal.code).toBe('invalid_data');
    expect(refusal.message).toContain('interactions.csv:3: the row has 3 fields');
  });
});

describe('a derived feature', () => {
  const features: readonly Feature[] = [...FEATURES, { name: PAST_CAMPAIGNS, kind: 'multi' }];
  const importWith = (source: string, out: string, past: ReadonlyMap<string, readonly string[]>) => {
    const derived: Derived = new Map([[PAST_CAMPAIGNS, past]]);
    return importPopulation({ source, features, derived, out });
  };

  it('is a column like any other, empty for users without a value', async () => {
    const [source, out] = [dataSetOf(), join(newFolder(), 'population')];
    const result = await importWith(source, out, await readPastCampaigns(openDataSet(source)));
    expect(result.tokens).toMatchObject({ [PAST_CAMPAIGNS]: 2 });
    const population = openPopulation(out);
    const column = population.readSegment(0).columns.get(PAST_CAMPAIGNS)!;
    const tokens = USERS.map((_, row) =>
      codesOf(column, row).map((code) => population.dictionary(PAST_CAMPAIGNS).token(code)),
    );
    expect(tokens).toEqual([['spring', 'odd, "one"'], [], ['odd, "one"'], []]);
  });

  it('returns an equal version for equal values, and another one for others', async () => {
    const [source, out] = [dataSetOf(), join(newFolder(), 'population')];
    const past = await readPastCampaigns(openDataSet(source));
    const first = await importWith(source, out, past);
    expect((await importWith(source, out, past)).version).toBe(first.version);
    expect((await importWith(source, join(newFolder(), 'another'), past)).version).toBe(first.version);
    expect((await importWith(source, out, new Map([['bob', ['spring']]]))).version).not.toBe(first.version);
  });

  it('makes no user of an id that the file does not have', async () => {
    const [source, out] = [dataSetOf(), join(newFolder(), 'population')];
    const result = await importWith(source, out, new Map([['nobody', ['spring']]]));
    expect(result).toMatchObject({ users: 4, tokens: { [PAST_CAMPAIGNS]: 0 } });
    expect(openPopulation(out).directory.find('nobody')).toBe(-1);
  });
});
