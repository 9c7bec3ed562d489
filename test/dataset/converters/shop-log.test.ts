/** A realistic shop's log: typed columns, conditions on rows, excluded items, features from the log. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeInteractions } from '../../../src/dataset/converters/interactions.ts';
import { NO_TYPES } from '../../../src/dataset/converters/typed-columns.ts';
import { openRows } from '../../../src/dataset/open-rows.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf } from '../../population/support.ts';
import { optionsOf, readMade, smallLog, USERS } from './small-log.ts';

const newFolder = useFolders();
const COLUMNS = { user: 'customer', item: 'article', time: 'ordered' };

/**
 * The small log as a shop writes it: local date formats, quantities, prices, names with line breaks, returns, postage.
 */
function shopLog(): string[] {
  const rows = smallLog().map((row, i) => {
    const [user, item, day] = row.split(',') as [string, string, string];
    const [year, month, date] = day.split('-');
    const number = Number(user.slice(1));
    const name = `"The ""${item}""\nlamp, blue"`;
    const time = `${Number(date)}.${Number(month)}.${year} 8:26`;
    const country = number % 2 ? 'DE' : 'FR';
    return [1000 + i, user, item, time, 1 + (i % 3), `${number % 5}.5`, name, country].join(',');
  });
  const others = [
    // a return, which would be a user's first of camp7
    'C1,u0,camp7,1.1.2026 9:00,-1,1.5,x,DE',
    '2,u1,POST,2.1.2026,1,9.5,postage,DE',
    '3,u2,POST,2.1.2026,1,9.5,postage,DE',
    // earlier than any other row of this user and this item, at the end of the file
    '4,u4,camp0,1.1.2026 7:00,1,77.25,"Early bird",AT',
  ];
  return [...rows, ...others];
}

async function shopOptions(folder: string, options: Parameters<typeof optionsOf>[1] = {}, rows = shopLog()) {
  const path = join(folder, 'orders.csv');
  writeFileSync(path, `invoice,customer,article,ordered,quantity,price,name,country\r\n${rows.join('\r\n')}\r\n`);
  return await optionsOf(folder, { log: await openRows(path), columns: COLUMNS, ...options });
}

async function makeShop(options: Parameters<typeof optionsOf>[1] = {}, rows = shopLog()) {
  const folder = newFolder();
  const made = await makeInteractions(await shopOptions(folder, options, rows));
  return { read: readMade(join(folder, 'out')), notes: made.notes.join('\n') };
}

async function refusal(options: Parameters<typeof optionsOf>[1], rows?: string[]): Promise<string> {
  return (await refusalOf(async () => await makeInteractions(await shopOptions(newFolder(), options, rows)))).message;
}

describe("a shop's log", () => {
  it('leaves out rows that do not meet the conditions, and excluded items', async () => {
    const where = ['quantity > 0', 'invoice !~ ^C'];
    const { read, notes } = await makeShop({ where, excludeItems: ['POST'], excludeListed: ['POST', 'SAMPLE'] });
    expect(notes).toContain('1 rows are left out because they do not meet "quantity > 0"');
    expect(notes).toContain('0 rows are left out because they do not meet "invoice !~ ^C"');
    expect(notes).toContain('2 rows of excluded items are left out');
    expect(read.timeOf('camp7', 'u0')).not.toBe('2026-01-01T09:00:00Z');
    const all = await makeShop();
    expect(all.read.timeOf('camp7', 'u0')).toBe('2026-01-01T09:00:00Z');
    for (const { history } of read.users.values()) expect(history).not.toContain('POST');
  });

  it('makes features of its columns, by the earliest row of a user or item', async () => {
    const types = { ...NO_TYPES, numbers: ['price'], words: ['name'] };
    const options = { types, userFeatures: ['country'], itemFeatures: ['name', 'price'], where: ['article != POST'] };
    const { read } = await makeShop(options);
    expect(read.description.user_features[0]).toEqual({ name: 'country', kind: 'single' });
    expect(read.description.campaign_features).toEqual([
      { name: 'name', kind: 'multi', max_length: 4 },
      { name: 'price', kind: 'number' },
    ]);
    expect(read.users.get('u3')!['country']).toBe('DE');
    expect(read.users.get('u4')!['country']).toBe('AT');
    expect(read.campaigns.get('camp1')).toMatchObject({ name: ['the', 'camp1', 'lamp', 'blue'] });
    expect(read.campaigns.get('camp0')).toMatchObject({ name: ['early', 'bird'], price: 77.25 });
  });

  it('types the columns of tables: numbers, dates and vectors', async () => {
    const users = Array.from({ length: USERS }, (_, i) =>
      JSON.stringify({
        customer: `u${i}`,
        spent: `${i},5`,
        since: `${1 + (i % 28)}/3/2025`,
        taste: [i, 0.5],
        home: { city: 'x' },
      }),
    );
    const items = ['article;taste', ...Array.from({ length: 8 }, (_, n) => `camp${n};[${n}, 1e-1]`), ''].join('\n');
    const types = { ...NO_TYPES, numbers: ['spent'], dates: ['since'], vectors: ['taste'], decimalComma: true };
    const { read, notes } = await makeShop({ users: `${users.join('\n')}\n`, items, types });
    expect(read.description.user_features).toEqual([
      { name: 'spent', kind: 'number' },
      { name: 'since', kind: 'number' },
      { name: 'taste', kind: 'vector', size: 2 },
      { name: 'history', kind: 'multi', max_length: 50 },
    ]);
    const since = Date.UTC(2025, 2, 8) / 86_400_000;
    expect(read.users.get('u7')).toMatchObject({ spent: 7.5, since, taste: [7, 0.5] });
    expect(read.campaigns.get('camp3')).toMatchObject({ taste: [3, 0.1] });
    expect(notes).toContain('column of users "home" is not a feature because it is an object');
  });

  const order = (ordered: string) => `9,u1,h1,${ordered},1,1,n,DE`;
  it.each([
    ['5/13/2026 8:26', null, '2026-05-13T08:26:00Z'],
    ['13/5/2026 8:26', null, '2026-05-13T08:26:00Z'],
    ['2/1/2026 12:05 AM', 'mdy', '2026-02-01T00:05:00Z'],
    ['2-1-2026 1:05:30 PM', 'dmy', '2026-01-02T13:05:30Z'],
    ['2.1.2026', null, '2026-01-02T00:00:00Z'],
  ] as const)('reads the time %s (%s)', async (ordered, dateOrder, time) => {
    const rows = smallLog().map((row, i) => {
      const [user, item] = row.split(',');
      return `${i},${user},${item},${ordered},1,1,n,DE`;
    });
    const { read } = await makeShop({ types: { ...NO_TYPES, dateOrder } }, rows);
    const id = [...read.campaigns.keys()][0]!;
    const member = [...read.usersOf(id, '1,train'), ...read.usersOf(id, '1,seed')][0]!;
    expect(read.timeOf(id, member)).toBe(time);
  });

  it.each<[string, Parameters<typeof optionsOf>[1], string, string[]?]>([
    ['ambiguous dates', {}, 'orders.csv:2: "3/4/2026" may have the day or the month first', [order('3/4/2026')]],
    ['dates in both orders', {}, 'orders.csv:3: "5/13/2026" is not a time', [order('13/5/2026'), order('5/13/2026')]],
    ['an invalid day', { types: { ...NO_TYPES, dateOrder: 'mdy' } }, 'is not a time', [order('13/1/2026')]],
    ['a malformed condition', { where: ['quantity'] }, '--where: "quantity" is not a condition such as'],
    ['a condition on an unknown column', { where: ['amount > 0'] }, '--where: '],
    ['an invalid pattern', { where: ['invoice ~ ('] }, 'no valid regular expression'],
    ['an invalid limit', { where: ['quantity > x'] }, 'must compare with a number or a date'],
    ['a value that cannot be compared', { where: ['name > 1'] }, 'orders.csv:2: "The'],
    ['conditions that no row meets', { where: ['quantity > 99'] }, 'no row meets all conditions'],
    ['an unknown item', { excludeItems: ['POSTAGE'] }, '--exclude-items: no row of '],
    ['an unknown feature', { itemFeatures: ['Name'] }, '--item-features: '],
    ['a typed column that is not a feature', { types: { ...NO_TYPES, numbers: ['quantity'] } }, '--numbers: no table'],
    [
      'a column to leave out that no table has',
      { leaveOut: ['segmnt'], items: 'article,segment\ncamp1,a\n' },
      '--leave-out: no table (--users, --items) has a column "segmnt"; the columns are article, segment',
    ],
    [
      'an item twice',
      { items: `article\n${Array.from({ length: 8 }, (_, n) => `camp${n}\n`).join('')}camp0\n` },
      'items.csv:10: the "article" "camp0" appears twice, first in line 2',
    ],
    ['an invalid number', { itemFeatures: ['name'], types: { ...NO_TYPES, numbers: ['name'] } }, 'is not a number'],
    [
      'vectors of two lengths',
      { users: '{"customer":"u1","v":[1,2]}\n{"customer":"u2","v":[1]}\n', types: { ...NO_TYPES, vectors: ['v'] } },
      'users.ndjson:2: v has 1 numbers, but the first vector has 2',
    ],
  ])('refuses %s', async (_, options, message, rows) => {
    expect(await refusal(options, rows)).toContain(message);
  });

  it('compares numbers, times, text and patterns', async () => {
    const rowsLeft = async (...where: string[]) => {
      const { notes } = await makeShop({ where: where.map((one) => `${one}`), minimumUsers: 1, campaigns: 2 });
      return (
        shopLog().length -
        [...notes.matchAll(/(\d+) rows are left out because/g)].reduce((n, [, count]) => n + Number(count), 0)
      );
    };
    const count = (matches: (fields: string[]) => boolean) =>
      shopLog().filter((row) => matches(row.replace(/"The ""(.*?)""\nlamp, blue"/, '$1').split(','))).length;
    expect(await rowsLeft('country = DE')).toBe(count(([, , , , , , , country]) => country === 'DE'));
    expect(await rowsLeft("country = 'DE'", 'quantity >= 2', 'quantity<3')).toBe(
      count(([, , , , quantity, , , country]) => country === 'DE' && quantity === '2'),
    );
    expect(await rowsLeft('ordered < 2026-01-11')).toBe(
      count(([, , , ordered]) => /^([1-9]|10)\.1\.2026/.test(ordered!)),
    );
    expect(await rowsLeft('"article" ~ ^camp[01]$', 'price <= 1.5')).toBe(
      count(([, , article, , , price]) => /^camp[01]$/.test(article!) && Number(price) <= 1.5),
    );
  });
});
