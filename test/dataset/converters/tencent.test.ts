/** Tiny Tencent look-alike data: halves, groups, others, and refusals. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeTencent, type TencentOptions } from '../../../src/dataset/converters/tencent.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf } from '../../population/support.ts';
import { rawTencent } from './raw-tencent.ts';
import { readMade } from './small-log.ts';

const newFolder = useFolders();

async function make(folder: string, more: Partial<TencentOptions> = {}) {
  const out = join(folder, 'out');
  const made = await makeTencent({
    folder,
    out,
    threshold: 30,
    testShare: 0.5,
    minimumUsers: 10,
    negatives: null,
    seed: '1',
    onProgress: () => {},
    ...more,
  });
  return { made, read: readMade(out), out };
}

function raw(change: Partial<Record<string, string>> = {}): string {
  const folder = newFolder();
  for (const [name, content] of Object.entries({ ...rawTencent(), ...change }))
    if (content !== undefined) writeFileSync(join(folder, name), content);
  return folder;
}

describe('makeTencent', () => {
  it('describes users and ads by their fields', async () => {
    const { read } = await make(raw());
    expect(read.description.user_features).toEqual([
      { name: 'age', kind: 'single', sensitive: true },
      { name: 'interest1', kind: 'multi', max_length: 3 },
      { name: 'kw1', kind: 'multi', max_length: 2 },
    ]);
    expect(read.description.campaign_features).toEqual([
      { name: 'advertiserId', kind: 'single' },
      { name: 'productType', kind: 'single' },
    ]);
    expect([...read.users.values()].slice(0, 2)).toEqual([
      { user_id: '1', age: '1', interest1: ['1', '2', '3'], kw1: [] },
      { user_id: '2', age: '2', interest1: ['2', '3', '4'], kw1: ['20', '21'] },
    ]);
  });

  it('splits hot and cold ads in the same way, and leaves out ads with few seeds', async () => {
    const { made, read } = await make(raw());
    expect(made).toMatchObject({ users: 100, trainCampaigns: 4, testCampaigns: { large: 2, small: 2, none: 0 } });
    const split = (large: boolean) =>
      [...read.campaigns.values()].filter((c) => Number(String(c['campaign_id']).slice(2)) < 4 === large);
    for (const large of [true, false]) {
      const own = split(large);
      expect(own.map((c) => c['split']).sort()).toEqual(['test', 'test', 'train', 'train']);
      for (const c of own) expect(c['group']).toBe(c['split'] === 'train' ? undefined : large ? 'large' : 'small');
    }
    expect(read.campaigns.has('ad8')).toBe(false);
    expect(made.notes.join('\n')).toContain('4 of 9 ads have more than 30 seeds');
    expect(made.notes.join('\n')).toContain('1 ads have fewer than 10 seeds and are left out');
  });

  it('adapts to a half of a test ad and evaluates on the other; train ads have all rows', async () => {
    const { made, read } = await make(raw());
    for (const [id, { split }] of read.campaigns) {
      const n = Number(id.slice(2));
      const members = n < 4 ? 40 : 20;
      const [seeds, hidden] = ['1,seed', '1,eval'].map((rest) => read.usersOf(id, rest));
      if (split === 'train') {
        expect(read.usersOf(id, '1,train')).toHaveLength(members);
        expect(read.usersOf(id, '0,train')).toHaveLength(50);
      } else {
        expect([seeds!.length, hidden!.length]).toEqual([members / 2, members / 2]);
        expect(new Set([...seeds!, ...hidden!]).size).toBe(members);
        expect(read.usersOf(id, '0,seed')).toHaveLength(25);
        expect(read.usersOf(id, '0,eval')).toHaveLength(25);
      }
    }
    expect(made.rows).toEqual({ train: 2 * 90 + 2 * 70, seed: 2 * 45 + 2 * 35, eval: 2 * 45 + 2 * 35 });
  });

  it('draws others on request', async () => {
    const { read, made } = await make(raw(), { negatives: 1 });
    for (const [id, { split }] of read.campaigns) {
      const [ones, zeros] = split === 'train' ? ['1,train', '0,train'] : ['1,eval', '0,eval'];
      expect(read.usersOf(id, zeros)).toHaveLength(read.usersOf(id, ones).length);
      const members = new Set(read.usersOf(id, ones));
      expect(read.usersOf(id, zeros).filter((user) => members.has(user))).toEqual([]);
    }
    expect(made.notes.join('\n')).toContain('drawn at random, 1 per member');
  });

  it('depends on the seed and on nothing else, and reads gzip', async () => {
    const [plain, again, other] = await Promise.all([make(raw()), make(raw()), make(raw(), { seed: '2' })]);
    const splits = ({ read }: Awaited<ReturnType<typeof make>>) => [...read.campaigns.values()];
    expect(splits(again)).toEqual(splits(plain));
    expect(splits(other)).not.toEqual(splits(plain));
    const folder = raw();
    const { 'userFeature.data': users, 'train.csv': train } = rawTencent();
    for (const [name, text] of [
      ['userFeature.data', users],
      ['train.csv', train],
    ] as const) {
      rmSync(join(folder, name));
      writeFileSync(join(folder, `${name}.gz`), gzipSync(text));
    }
    expect(splits(await make(folder))).toEqual(splits(plain));
  });

  it('reports what it left out: unknown users and ads', async () => {
    const { 'train.csv': train } = rawTencent();
    const { made } = await make(raw({ 'train.csv': `${train}0,999,1\n77,1,-1\n` }));
    const notes = made.notes.join('\n');
    expect(notes).toMatch(/1 rows of users that userFeature\.data lacks are left out; the first is .*train\.csv:\d+/);
    expect(notes).toMatch(/1 rows of ads that adFeature\.csv lacks are left out; the first is .*train\.csv:\d+/);
    expect(notes).toContain('column of items "creativeId" is not a feature');
  });

  it.each(['adFeature.csv', 'userFeature.data', 'train.csv', 'test1_truth.csv'])(
    'says that %s is missing and where it is to be had',
    async (name) => {
      const folder = raw();
      rmSync(join(folder, name));
      const error = await refusalOf(() => make(folder));
      expect(error.message).toContain(`${folder} has no ${name}, which`);
      expect(error.message).toContain('https://');
    },
  );

  it.each([
    ['userFeature.data', 'uid 1|age 2\nage 3\n', 'userFeature.data:2: the line has no uid'],
    ['userFeature.data', 'uid 1|age 2\nuid 1|age 3\n', 'userFeature.data:2: uid 1 appears twice'],
    ['userFeature.data', 'uid 1|| 3\n', 'userFeature.data:1: "" is not a field'],
    ['userFeature.data', '', 'userFeature.data:1: the file is empty'],
    ['adFeature.csv', 'aid,x\n1,2\n1,3\n', 'adFeature.csv:3: the "aid" "1" appears twice'],
    ['adFeature.csv', 'id,x\n1,2\n', 'has no column "aid"'],
    ['train.csv', 'aid,uid,label\n1,2,yes\n', 'train.csv:2: the label is "yes"'],
    ['train.csv', 'aid,uid\n1,2\n', 'train.csv:1: the row has 2 fields'],
  ])('refuses %s: %j', async (name, content, message) => {
    const folder = raw({ [name]: content });
    const error = await refusalOf(() => make(folder));
    expect(error.message).toContain(message);
    expect(readdirSync(folder).filter((file) => file.startsWith('out'))).toEqual([]);
  });

  it('refuses data in which too few ads have seeds', async () => {
    const error = await refusalOf(() => make(raw(), { minimumUsers: 41 }));
    expect(error.message).toContain('0 ads have at least 41 seeds, but two are needed: the largest have 40, 40');
  });
});
