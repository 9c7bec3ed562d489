/** Data sets made from a log: campaigns, histories and seeds, without leaks. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeInteractions } from '../../../src/dataset/converters/interactions.ts';
import { prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf } from '../../population/support.ts';
import { make, optionsOf, smallLog, USERS } from './small-log.ts';

const newFolder = useFolders();
const FILES = ['dataset.json', 'users.ndjson', 'campaigns.ndjson', 'interactions.csv'];

/** The users of an item in the log, the earliest first; ties in order of first appearance. */
function takersOf(item: string): string[] {
  const rows = smallLog().map((row) => row.split(','));
  const own = rows.filter(([, other]) => other === item);
  return own.sort((a, b) => (a[2]! < b[2]! ? -1 : a[2]! > b[2]! ? 1 : 0)).map(([user]) => user!);
}

describe('makeInteractions', () => {
  it('makes campaigns of the items with enough users, and history of the others', async () => {
    const { made, read } = await make(newFolder());
    expect(made).toMatchObject({ users: USERS, trainCampaigns: 4, testCampaigns: { small: 2, large: 2, none: 0 } });
    expect(read.description.user_features).toEqual([{ name: 'history', kind: 'multi', max_length: 50 }]);
    expect([...read.campaigns.keys()].map((id) => id.replace('twin', 'camp2')).sort()).toEqual(
      Array.from({ length: 8 }, (_, n) => `camp${n}`),
    );
    for (const { history } of read.users.values()) {
      expect(history).toHaveLength(12);
      expect(history.every((item) => /^h\d+$/.test(item))).toBe(true);
    }
  });

  it('has neither campaigns nor their near duplicates in a history', async () => {
    const { made, read } = await make(newFolder());
    const twins = ['camp2', 'twin'].filter((id) => read.campaigns.has(id));
    expect(twins).toHaveLength(1);
    expect(made.notes.join('\n')).toMatch(
      /1 items have nearly the same users as a campaign .* (twin, which resembles camp2|camp2, which resembles twin)/,
    );
  });

  it('takes the newest campaigns for the test, and their earliest users for seeds', async () => {
    const { read } = await make(newFolder());
    for (let n = 0; n < 8; n++) {
      const id = read.campaigns.has(`camp${n}`) ? `camp${n}` : 'twin';
      const { split, group } = read.campaigns.get(id)!;
      expect(split).toBe(n < 4 ? 'train' : 'test');
      const takers = takersOf(id);
      if (split === 'train') {
        expect(group).toBeUndefined();
        expect(read.usersOf(id, '1,train').sort()).toEqual([...takers].sort());
        expect(read.usersOf(id, '0,train')).toHaveLength(USERS - takers.length);
        continue;
      }
      const seeds = read.usersOf(id, '1,seed');
      expect(seeds).toHaveLength(group === 'large' ? 15 : 5);
      expect(seeds.sort()).toEqual(takers.slice(0, seeds.length).sort());
      expect(read.usersOf(id, '1,eval').sort()).toEqual(takers.slice(seeds.length).sort());
      expect(read.usersOf(id, '0,eval')).toHaveLength(USERS - takers.length);
    }
  });

  it('writes when each user took the item, and no time for the others', async () => {
    const { read } = await make(newFolder());
    const days = new Map(smallLog().map((row) => [row.split(',').slice(0, 2).join(), row.split(',')[2]!]));
    for (const rest of ['1,train', '1,seed', '1,eval', '0,train', '0,eval']) {
      const rows = [...read.campaigns.keys()].flatMap((id) =>
        read.usersOf(id, rest).map((user) => [id, user] as const),
      );
      expect(rows.length).toBeGreaterThan(20);
      for (const [id, user] of rows)
        expect(read.timeOf(id, user)).toBe(rest.startsWith('1') ? `${days.get(`${user},${id}`)}T00:00:00Z` : '');
    }
    const { read: without } = await make(newFolder(), { columns: { user: 'user', item: 'item', time: null } });
    const id = [...without.campaigns.keys()].find((one) => without.usersOf(one, '1,train').length > 0)!;
    expect(without.timeOf(id, without.usersOf(id, '1,train')[0]!)).toBeNull();
  });

  it('draws test campaigns and seeds by the random seed if there are no times', async () => {
    const columns = { user: 'user', item: 'item', time: null };
    const bytes = async (seed: string) => {
      const folder = newFolder();
      await make(folder, { columns, seed });
      return FILES.map((name) => readFileSync(join(folder, 'out', name), 'utf8'));
    };
    const [first, again, other] = await Promise.all(['1', '1', '2'].map(bytes));
    expect(again).toEqual(first);
    for (const i of [2, 3]) expect(other![i]).not.toBe(first![i]);
  });

  it('keeps the newest items of a long history, or random ones if there are no times', async () => {
    const { read } = await make(newFolder(), { history: 3 });
    expect(read.users.get('u1')!.history).toEqual([11, 10, 9].map((day) => `h${(1 + 5 * day) % 28}`));
    const columns = { user: 'user', item: 'item', time: null };
    const { read: drawn } = await make(newFolder(), { history: 3, columns });
    const own = new Set(Array.from({ length: 12 }, (_, day) => `h${(1 + 5 * day) % 28}`));
    const { history } = drawn.users.get('u1')!;
    expect(new Set(history).size).toBe(3);
    expect(history.every((item) => own.has(item))).toBe(true);
  });

  it('uses nothing from the time of the test with beforeTest', async () => {
    const rows = [...smallLog(), 'late,h1,2026-12-01', 'late,camp7,2026-12-02', 'u3,h1,2026-12-01'];
    const { made, read } = await make(newFolder(), { rows, beforeTest: true });
    expect(read.users.has('late')).toBe(false);
    expect(read.users.get('u3')!.history).not.toContain('h1');
    expect(made.notes.join('\n')).toContain('histories and train campaigns end at 2026-05-');
    expect(made.notes.join('\n')).toContain('1 later users are left out');
    const { read: whole } = await make(newFolder(), { rows });
    expect(whole.users.get('late')!.history).toEqual(['h1']);
  });

  it('makes features of the columns of the tables', async () => {
    const users = [
      ...Array.from({ length: 30 }, (_, i) => ({
        user: `u${i}`,
        age: 20 + (i % 3),
        likes: ['a', `b${i % 4}`],
        mail: `${i}@x`,
      })),
      { user: 'guest', age: null },
    ];
    const items = Array.from({ length: 8 }, (_, n) => `camp${n},Title ${n},${n % 2 ? 'x|y' : 'x'},${n % 3}`);
    const { made, read } = await make(newFolder(), {
      users: users.map((user) => `${JSON.stringify(user)}\n`).join(''),
      items: ['item,title,kinds,brand', ...items, 'h1,a film,z,9', ''].join('\n'),
      leaveOut: ['title'],
    });
    expect(read.description.user_features.map(({ name, kind }) => [name, kind])).toEqual([
      ['age', 'single'],
      ['likes', 'multi'],
      ['history', 'multi'],
    ]);
    expect(read.description.campaign_features.map(({ name, kind }) => [name, kind])).toEqual([
      ['kinds', 'multi'],
      ['brand', 'single'],
    ]);
    expect(read.campaigns.get('camp1')).toMatchObject({ kinds: ['x', 'y'], brand: '1' });
    expect(read.campaigns.get('camp4')).toMatchObject({ kinds: ['x'], brand: '1' });
    expect(read.users.get('u4')).toMatchObject({ age: '21', likes: ['a', 'b0'] });
    expect(read.users.get('guest')).toEqual({ user_id: 'guest', age: null, likes: [], history: [] });
    expect(read.users.get('u59')).toMatchObject({ age: null, likes: [], history: expect.any(Array) });
    expect(made.users).toBe(USERS + 1);
    for (const note of [
      'column of users "mail" is not a feature: nearly every row has a different value',
      '1 users in the table of users are not in the log',
      '30 users in the log are not in the table of users',
    ])
      expect(made.notes.join('\n')).toContain(note);
  });

  it('counts rows that repeat and rows that lack a user or an item', async () => {
    const rows = [...smallLog(), ',camp1,2026-02-02', 'u1,,2026-02-02', 'u0,camp7,2026-01-01'];
    const { made, read } = await make(newFolder(), { rows });
    const notes = made.notes.join('\n');
    expect(notes).toContain('2 rows lack a user or an item and are left out; the first is ');
    expect(notes).toContain(`log.csv:${smallLog().length + 2}\n`);
    expect(notes).toContain('1 rows repeat an item that the user already has; only the earliest row counts');
    expect(read.usersOf('camp7', '1,seed')).toContain('u0');
  });

  it('can be read as a data set', async () => {
    const folder = newFolder();
    await make(folder);
    const prepared = await prepareDataSet(join(folder, 'out'), { pastCampaigns: true });
    expect(prepared.history.skipped).toEqual([]);
    expect(prepared.history.campaigns).toHaveLength(8);
    expect(prepared.population.rowCount).toBe(USERS);
    prepared.close();
  });

  it.each<[string, Parameters<typeof optionsOf>[1], string]>([
    ['a missing column', { columns: { user: 'who', item: 'item', time: null } }, '--user: '],
    ['a bad time', { rows: ['u1,h1,yesterday'] }, 'log.csv:2: "yesterday" is not a time'],
    ['too few users', { minimumUsers: 61 }, '0 items with at least 61 users can be campaigns, but two are needed'],
    ['a table without the ids', { items: 'name\nx\n' }, '--items: '],
    [
      'a user twice',
      { users: '{"user":"u1"}\n{"user":"u1"}\n' },
      'users.ndjson:2: the "user" "u1" appears twice, first in line 1',
    ],
    ['an empty id', { items: 'item,a\n,b\n' }, 'items.csv:2: "item" is empty'],
    ['no times for beforeTest', { columns: { user: 'user', item: 'item', time: null }, beforeTest: true }, '--time'],
    [
      'a reserved name',
      { users: '{"user":"u1","group":"a"}\n{"user":"u2","group":"b"}\n' },
      '"group" is a reserved key',
    ],
  ])('refuses %s and leaves nothing behind', async (_, options, message) => {
    const folder = newFolder();
    const error = await refusalOf(async () => await makeInteractions(await optionsOf(folder, options)));
    expect(error.message).toContain(message);
    expect(readdirSync(folder).filter((name) => name.startsWith('out'))).toEqual([]);
  });

  it('refuses an existing folder, and removes leftovers of a killed run', async () => {
    const folder = newFolder();
    const left = join(folder, `out.writing-${randomUUID()}`);
    mkdirSync(left);
    writeFileSync(join(left, 'left.txt'), '');
    writeFileSync(`${left}.lock`, '');
    await make(folder);
    expect(readdirSync(join(folder, 'out')).sort()).toEqual([...FILES].sort());
    const before = readFileSync(join(folder, 'out', 'users.ndjson'), 'utf8');
    const error = await refusalOf(() => make(folder, { seed: '2' }));
    expect(error.message).toContain('out already exists');
    expect(readFileSync(join(folder, 'out', 'users.ndjson'), 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.startsWith('out'))).toEqual(['out']);
  });
});
