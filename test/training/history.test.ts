/** The history reader: what it keeps, skips and refuses, with the position of errors. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { type History, readHistory } from '../../src/training/history/history.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const HEADER = 'campaign_id,user_id,label,stage';
const CAMPAIGNS = [
  { campaign_id: 'a', genre: 'jazz', tags: ['x', 'y'], split: 'train' },
  { campaign_id: 'b', genre: null, split: 'test', group: 'small' },
];
const ROWS = ['a,u1,1,train', 'b,u3,1,seed', 'a,u0,0,train', 'b,u2,1,eval', 'b,u0,0,eval', 'b,u1,1,seed'];

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
  const features = [
    { name: 'genre', kind: 'single' },
    { name: 'tags', kind: 'multi', max_length: 4 },
  ];
  const description = { name: 'tiny', user_features: [{ name: 'city', kind: 'single' }], campaign_features: features };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify(description));
});

/** Users u0 .. u9 have the numbers 0 .. 9. */
const directory = { find: (id: string) => (/^u\d$/.test(id) ? Number(id[1]) : -1) };

function read(campaigns: readonly unknown[] | string, rows: readonly string[] | string): Promise<History> {
  const ndjson = typeof campaigns === 'string' ? campaigns : campaigns.map((c) => `${JSON.stringify(c)}\n`).join('');
  writeFileSync(join(folder, 'campaigns.ndjson'), ndjson);
  writeFileSync(
    join(folder, 'interactions.csv'),
    typeof rows === 'string' ? rows : `${[HEADER, ...rows].join('\n')}\n`,
  );
  return readHistory(openDataSet(folder), directory);
}

describe('readHistory', () => {
  it('reads campaigns with their rows as user numbers, whatever the order of the rows', async () => {
    const history = await read(CAMPAIGNS, ROWS);
    expect(history.skipped).toEqual([]);
    expect(history.campaigns).toEqual([
      {
        ...{ id: 'a', features: { genre: 'jazz', tags: ['x', 'y'] }, split: 'train', group: null },
        train: { users: Int32Array.of(1, 0), labels: Uint8Array.of(1, 0) },
        ...{ seeds: new Int32Array(0), evaluation: { users: new Int32Array(0), labels: new Uint8Array(0) } },
      },
      {
        ...{ id: 'b', features: {}, split: 'test', group: 'small' },
        train: { users: new Int32Array(0), labels: new Uint8Array(0) },
        ...{ seeds: Int32Array.of(1, 3), evaluation: { users: Int32Array.of(2, 0), labels: Uint8Array.of(1, 0) } },
      },
    ]);
  });

  it('reads whole numbers, true and false as text', async () => {
    const rows = ROWS.map((row) => row.replace('a,', '7,'));
    const { campaigns } = await read(
      [{ ...CAMPAIGNS[0], campaign_id: 7, genre: true, tags: [3, 'y'] }, CAMPAIGNS[1]],
      rows,
    );
    expect(campaigns[0]).toMatchObject({ id: '7', features: { genre: 'true', tags: ['3', 'y'] } });
    expect(campaigns[0]?.train.users).toEqual(Int32Array.of(1, 0));
  });

  it('reads the times of train rows, in all their forms, and has none for an empty field', async () => {
    const rows = [
      'a,u1,1,train,2010-12-01T08:26:00Z',
      'a,u2,1,train,2010-12-02',
      'a,u0,0,train,',
      'a,u4,1,train,1291190400',
      'b,u3,1,seed,2011-01-01',
      'b,u2,1,eval,',
      'b,u0,0,eval,',
    ];
    const text = [`${HEADER},time`, ...rows].join('\n');
    const { campaigns } = await read(CAMPAIGNS, text);
    const days = [1, 2, Number.NaN, 1].map((day, i) => Date.UTC(2010, 11, day, i === 0 ? 8 : 0, i === 0 ? 26 : 0));
    expect(campaigns[0]!.train).toEqual({
      ...{ users: Int32Array.of(1, 2, 0, 4), labels: Uint8Array.of(1, 1, 0, 1) },
      times: Float64Array.from([days[0]!, days[1]!, Number.NaN, Date.UTC(2010, 11, 1, 8)]),
    });
    expect(campaigns[1]!.evaluation).toEqual({ users: Int32Array.of(2, 0), labels: Uint8Array.of(1, 0) });
    rmSync(join(folder, 'interactions.csv'));
    writeFileSync(join(folder, 'interactions.csv.gz'), gzipSync(text));
    expect((await readHistory(openDataSet(folder), directory)).campaigns).toEqual(campaigns);
  });

  it('keeps times with their rows past its first buffer, whichever row is the first with one', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `a,u${i % 10},1,train,${i < 100 ? '' : i}`);
    const { times } = (await read(CAMPAIGNS, `${HEADER},time\n${rows.join('\n')}`)).campaigns[0]!.train;
    expect([...times!]).toEqual(rows.map((_, i) => (i < 100 ? Number.NaN : 1000 * i)));
  });

  it.each([
    ['a,u1,1,train,1.12.2010', 'the time is "1.12.2010", not a date (2026-03-04)'],
    ['a,u1,1,train,2010-02-30', 'the time is "2010-02-30"'],
    ['b,u1,1,seed,soon', 'the time is "soon"'],
    ['a,u1,1,train', 'the row has 4 fields, but 5 are expected'],
  ])('refuses %s beside a header with times, naming file and line', async (row, message) => {
    const text = [`${HEADER},time`, 'a,u0,0,train,', row].join('\n');
    await expect(read(CAMPAIGNS, text)).rejects.toThrow(`interactions.csv:3: ${message}`);
  });

  it('refuses a fifth column that is not the time', async () => {
    await expect(read(CAMPAIGNS, `${HEADER},when\n`)).rejects.toThrow(
      'interactions.csv:1: the header is "campaign_id,user_id,label,stage,when", not campaign_id,user_id,label,stage[,time]',
    );
  });

  it('takes only seed rows of label 1, each user once, and no eval row of a seed', async () => {
    const rows = [
      'a,u1,1,train',
      'b,u5,1,seed',
      'b,u5,1,seed',
      'b,u6,0,seed',
      'b,u5,1,eval',
      'b,u6,0,eval',
      'b,u7,1,eval',
    ];
    const b = (await read(CAMPAIGNS, rows)).campaigns[1]!;
    expect([...b.seeds]).toEqual([5]);
    expect([...b.evaluation.users]).toEqual([6, 7]);
  });

  it.each([
    ['a train campaign without rows', { campaign_id: 'c', split: 'train' }, [], 'the campaign has no train rows'],
    [
      'a train campaign without positives',
      { campaign_id: 'c', split: 'train' },
      ['c,u1,0,train'],
      'no train row has label 1',
    ],
    [
      'a test campaign without seeds',
      { campaign_id: 'c', split: 'test' },
      ['c,u1,1,eval', 'c,u2,0,eval'],
      'the campaign has no seeds',
    ],
    [
      'a test campaign without hidden members',
      { campaign_id: 'c', split: 'test' },
      ['c,u1,1,seed', 'c,u2,0,eval'],
      'no eval row has label 1',
    ],
    [
      'a test campaign of members alone',
      { campaign_id: 'c', split: 'test' },
      ['c,u1,1,seed', 'c,u2,1,eval'],
      'no eval row has label 0',
    ],
  ])('skips %s, by name, and continues', async (_, campaign, rows, reason) => {
    const history = await read([...CAMPAIGNS, campaign], [...ROWS, ...rows]);
    expect(history.skipped).toEqual([{ id: 'c', split: campaign.split, reason }]);
    expect(history.campaigns.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it.each<[string, readonly unknown[] | string, readonly string[] | string, RegExp]>([
    ['rows of a campaign that is not there', '', ROWS, /interactions\.csv:2: campaign "a" is not in campaigns/],
    ['a campaign without an id', [{ split: 'train' }], ROWS, /campaigns\.ndjson:1: campaign_id is absent/],
    ['a campaign id that is too long', [{ campaign_id: 'é'.repeat(129), split: 'train' }], ROWS, /text of 258 bytes/],
    ['a campaign that is there twice', [...CAMPAIGNS, CAMPAIGNS[0]], ROWS, /ndjson:3: campaign "a" appears twice/],
    ['an unknown split', [{ campaign_id: 'a', split: 'dev' }], ROWS, /ndjson:1: the split of campaign "a" is "dev"/],
    ['an unknown group', [{ ...CAMPAIGNS[1], group: 'tiny' }], ROWS, /ndjson:1: the group of campaign "b" is "tiny"/],
    [
      'a single feature that is a list',
      [{ ...CAMPAIGNS[0], genre: ['jazz'] }],
      ROWS,
      /feature "genre" of campaign "a" is a list; text is expected/,
    ],
    [
      'a header of other columns',
      CAMPAIGNS,
      'user_id,campaign_id,label,stage\n',
      /csv:1: the header is "user_id,campaign_id/,
    ],
    [
      'an unknown user',
      CAMPAIGNS,
      ['a,u1,1,train', 'a,nobody,1,train'],
      /csv:3: user "nobody" is not in users\.ndjson/,
    ],
    ['a label that is not 0 or 1', CAMPAIGNS, ['a,u1,2,train'], /csv:2: the label is "2"/],
    ['an unknown stage', CAMPAIGNS, ['a,u1,1,later'], /csv:2: the stage is "later"/],
  ])('refuses %s, naming file and line', async (_, campaigns, rows, message) => {
    const reading = read(campaigns, rows);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ name: 'AppError', code: 'invalid_data' });
  });
});
