/** Imports: the content of a version, permanent numbers, and refusals that publish nothing. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { FEATURE_KINDS, hasTokens } from '../../src/lib/feature-kinds.ts';
import { importPopulation } from '../../src/population/import/import.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { useFolders } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import {
  allCodesOf,
  codesOf,
  FEATURES,
  importUsers,
  refusalOf,
  snapshot,
  type TestUser,
  USERS,
  writeDataSet,
} from './support.ts';

const newFolder = useFolders();

/** A user's row in real tokens; null for a user without one. */
function readBack(path: string, userId: string, version?: string): Record<string, readonly string[]> | null {
  const population = openPopulation(path, version ? { version } : {});
  const row = population.rowOf[population.directory.find(userId)] ?? -1;
  if (row < 0) return null;
  const rows = population.readRows(Int32Array.of(row));
  return Object.fromEntries(
    [...rows.columns].map(([name, column]) => [
      name,
      codesOf(column, 0).map((code) => population.dictionary(name).token(code)),
    ]),
  );
}

describe('importPopulation', () => {
  it('makes a version with every user, token and missing value', async () => {
    const out = join(newFolder(), 'a', 'population');
    const result = await importUsers(newFolder(), out, USERS);
    expect(result).toEqual({
      version: expect.stringMatching(/^[0-9a-f]{12}$/),
      erased: 0,
      users: 4,
      newUsers: 4,
      tokens: { city: 2, likes: 3 },
      coverage: { city: 2, likes: 2 },
      ...{ identifiers: [], unknownIdentifiers: 0, erasedIdentifiers: 0 },
    });
    const population = openPopulation(out);
    expect(population).toMatchObject({ path: out, version: result.version, rowCount: 4, segmentCount: 1 });
    expect(population.features).toEqual([
      { name: 'city', kind: 'single' },
      { name: 'likes', kind: 'multi' },
    ]);
    expect([...population.rowOf]).toEqual([0, 1, 2, 3]);
    expect(USERS.map(({ user_id }) => population.directory.find(String(user_id)))).toEqual([0, 1, 2, 3]);
    expect(population.dictionary('city').size).toBe(3);
    expect(readBack(out, 'anna')).toEqual({ city: ['Rome'], likes: ['tea', 'jazz'] });
    expect(readBack(out, 'bob')).toEqual({ city: [''], likes: [] });
    expect(readBack(out, 'çelik')).toEqual({ city: ['İzmir'], likes: ['jazz', 'jazz', 'çay', 'tea'] });
    expect(readBack(out, 'dan')).toEqual({ city: [''], likes: [] });
  });

  it('reads whole numbers, true and false as text, and 7 and "7" as one user', async () => {
    const out = newFolder();
    const numbers = [7, -3, 2 ** 53 - 1].map((user_id, i) => ({ user_id, city: i > 0, likes: [i, 'tea'] }));
    await importUsers(newFolder(), out, numbers as unknown as TestUser[]);
    expect(readBack(out, '7')).toEqual({ city: ['false'], likes: ['0', 'tea'] });
    expect(readBack(out, '-3')).toEqual({ city: ['true'], likes: ['1', 'tea'] });
    expect(readBack(out, '9007199254740991')).toEqual({ city: ['true'], likes: ['2', 'tea'] });
    const twice = [7, '7'].map((user_id) => ({ user_id, city: null, likes: null }));
    const { message } = await refusalOf(() => importUsers(newFolder(), newFolder(), twice as unknown as TestUser[]));
    expect(message).toMatch(/:2: the user "7" appears a second time$/);
  });

  it('reads a vector whose name has a *, which is no pattern in a data set', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const features = [{ name: 'v_*', kind: 'vector', size: 2 }] as const;
    const users = [
      { user_id: 'u', 'v_*': [1, 2] },
      { user_id: 'an escape: "', 'v_*': [3, 4] },
    ];
    writeDataSet(source, users, { features });
    await importPopulation({ source, features, out });
    const column = openPopulation(out).readSegment(0).columns.get('v_*');
    expect(column).toEqual({ kind: 'vector', size: 2, values: Float32Array.of(1, 2, 3, 4) });
  });

  it('leaves nothing in the folder but the version, the tables, `current`, the order of versions and the locks', async () => {
    const out = newFolder();
    const { version } = await importUsers(newFolder(), out, USERS);
    expect(readdirSync(out).sort()).toEqual(
      [
        ...[version, 'current', 'dictionaries', 'directory.bytes', 'directory.ends'],
        ...['erasures.lock', 'versions', 'writer.lock'],
      ].sort(),
    );
  });

  it('returns what was written, for any schema and any users', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });
    const name = text.filter((one) => !/[\p{Cc}\p{Cs}\u2028\u2029]|\.length$/u.test(one));
    const kind = fc.constantFrom(...FEATURE_KINDS);
    const feature = fc
      .record({ name, kind })
      .map((own): Feature => (own.kind === 'vector' ? { ...own, size: 3 } : own));
    const schema = fc.uniqueArray(feature, {
      minLength: 1,
      maxLength: 4,
      selector: (feature) => feature.name,
    });
    const token = fc.oneof(fc.constantFrom('a', 'b', 'c'), text);
    const anyNumber = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -5, max: 5 }));
    // JSON writes -0 as 0
    const number = anyNumber.map((one) => one + 0);
    const values = {
      single: fc.option(token),
      multi: fc.option(fc.array(token, { maxLength: 5 })),
      number: fc.option(number),
      vector: fc.option(fc.array(number, { minLength: 3, maxLength: 3 })),
    };
    const input = schema.chain((features) =>
      fc.record({
        features: fc.constant(features),
        ids: fc.uniqueArray(text, { minLength: 1, maxLength: 8 }),
        rows: fc.array(fc.tuple(...features.map(({ kind }) => values[kind] as fc.Arbitrary<unknown>)), {
          minLength: 8,
          maxLength: 8,
        }),
      }),
    );
    const property = fc.asyncProperty(input, async ({ features, ids, rows }) => {
      const users = ids.map((id, i): TestUser => {
        // `fromEntries` makes a feature named __proto__ an own key as well.
        return Object.fromEntries([
          ['user_id', id],
          ...features.map((feature, j) => [feature.name, rows[i]![j]]),
        ]) as TestUser;
      });
      const out = newFolder();
      await importUsers(newFolder(), out, users, { features });
      const population = openPopulation(out);
      const segment = population.readSegment(0);
      expect(segment.count).toBe(ids.length);
      for (const [i, id] of ids.entries()) {
        expect(population.directory.id(segment.userNumbers[i]!)).toBe(id);
        for (const [j, feature] of features.entries()) {
          const own = codesOf(segment.columns.get(feature.name)!, i);
          const value = rows[i]![j];
          if (!hasTokens(feature.kind)) {
            const missing = feature.kind === 'number' ? [Number.NaN] : [Number.NaN, Number.NaN, Number.NaN];
            expect(own).toEqual(value === null ? missing : [value].flat().map((one) => Math.fround(one as number)));
            continue;
          }
          const tokens = own.map((code) => population.dictionary(feature.name).token(code));
          expect(tokens).toEqual(feature.kind === 'single' ? [value ?? ''] : (value ?? []));
        }
      }
    });
    await fc.assert(property, { numRuns: size(12, 24) });
  });

  it('ignores keys that are not a feature, lines of white space and empty tokens in a list', async () => {
    const out = newFolder();
    const lines = '\n{"user_id":"a","city":"x","likes":["","tea",""],"constructor":1}\n  \n';
    expect(await importUsers(newFolder(), out, lines)).toMatchObject({ users: 1, tokens: { city: 1, likes: 1 } });
    expect(readBack(out, 'a')).toEqual({ city: ['x'], likes: ['tea'] });
  });

  it('cuts the users into segments of 65,536 rows', async () => {
    const out = newFolder();
    const users = Array.from(
      { length: 65_537 },
      (_, i) => `{"user_id":"u${i}","city":"c${i % 7}","likes":["t${i}"]}\n`,
    ).join('');
    const seen: number[] = [];
    const source = writeDataSet(newFolder(), users);
    await importPopulation({ source, out, features: FEATURES, onProgress: (usersRead) => seen.push(usersRead) });
    const population = openPopulation(out);
    expect([population.segmentCount, population.readSegment(0).count, population.readSegment(1).count]).toEqual([
      2, 65_536, 1,
    ]);
    expect(codesOf(population.readSegment(1).columns.get('likes')!, 0)).toEqual([65_537]);
    expect([...population.readSegment(1).userNumbers]).toEqual([65_536]);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(65_537);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('applies limits exactly, to the last byte and token', async () => {
    const limits = {
      maximumTokensPerList: 2,
      maximumTokenBytes: 2,
      maximumUserIdBytes: 2,
      maximumUsers: 1,
      maximumTokensPerDictionary: 2,
    };
    const users = [{ user_id: 'é', city: 'é', likes: ['aa', 'bb'] }];
    expect(await importUsers(newFolder(), newFolder(), users, { limits })).toMatchObject({ users: 1 });
    const longest = [
      { user_id: 'u'.repeat(256), city: 't'.repeat(1024), likes: Array.from({ length: 4096 }, (_, i) => `t${i}`) },
    ];
    expect(await importUsers(newFolder(), newFolder(), longest)).toMatchObject({ users: 1, tokens: { likes: 4096 } });
  });
});

describe('the version', () => {
  it('is the same for the same data in another folder, plain or gzip, and so is every byte', async () => {
    const [a, b] = [newFolder(), newFolder()];
    const plain = await importUsers(newFolder(), a, USERS);
    const packed = await importUsers(newFolder(), b, USERS, { gzip: true });
    expect(packed).toEqual(plain);
    expect(snapshot(b)).toEqual(snapshot(a));
  });

  it('differs when a token, an order or a kind of feature does', async () => {
    const versions = new Set<string>();
    const changed = USERS.map((user) => (user.user_id === 'bob' ? { ...user, city: 'Rome' } : user));
    for (const users of [USERS, changed, [...USERS].reverse(), USERS.slice(1)]) {
      versions.add((await importUsers(newFolder(), newFolder(), users)).version);
    }
    const source = writeDataSet(newFolder(), USERS);
    versions.add((await importPopulation({ source, out: newFolder(), features: [...FEATURES].reverse() })).version);
    expect(versions.size).toBe(5);
  });

  it('takes from the data set which features are sensitive, and keeps its name when none is', async () => {
    const sensitive = FEATURES.map((feature) => (feature.name === 'city' ? { ...feature, sensitive: true } : feature));
    const [plain, marked] = [newFolder(), newFolder()];
    const { version } = await importUsers(newFolder(), plain, USERS);
    // the caller's features are a model's: they do not say it
    const source = writeDataSet(newFolder(), USERS, { features: sensitive });
    const other = await importPopulation({ source, out: marked, features: FEATURES });
    expect(other.version).not.toBe(version);
    expect(openPopulation(plain).features.filter((feature) => feature.sensitive)).toEqual([]);
    expect(openPopulation(marked).features.filter((feature) => feature.sensitive)).toMatchObject([{ name: 'city' }]);
    expect(readFileSync(`${plain}/${version}/population.json`, 'utf8')).not.toContain('sensitive');
    const unmarked = writeDataSet(newFolder(), USERS, {
      features: FEATURES.map((feature) => ({ ...feature, sensitive: false })),
    });
    expect((await importPopulation({ source: unmarked, out: newFolder(), features: FEATURES })).version).toBe(version);
  });

  it('stays when the same content is imported again, and nothing is written', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const first = await importUsers(source, out, USERS);
    const before = snapshot(out);
    expect(await importUsers(source, out, USERS)).toEqual({ ...first, newUsers: 0 });
    expect(snapshot(out)).toEqual(before);
  });
});

describe('a second import', () => {
  it('keeps numbers and codes, adds new ones behind them, and leaves out who is not in it', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const first = await importUsers(source, out, USERS);
    const next = [
      { user_id: 'emil', city: 'Oslo', likes: ['jazz'] },
      { user_id: 'dan', city: 'Rome', likes: ['golf', 'tea'] },
      { user_id: 'anna', city: 'İzmir', likes: [] },
    ];
    const second = await importUsers(source, out, next);
    expect(second).toMatchObject({ users: 3, newUsers: 1, tokens: { city: 3, likes: 4 } });
    const population = openPopulation(out);
    expect(population.version).toBe(second.version);
    expect(['anna', 'bob', 'çelik', 'dan', 'emil'].map((id) => population.directory.find(id))).toEqual([0, 1, 2, 3, 4]);
    expect([...population.rowOf]).toEqual([2, -1, -1, 1, 0]);
    expect([...population.readSegment(0).userNumbers]).toEqual([4, 3, 0]);
    expect(['Rome', 'İzmir', 'Oslo'].map((token) => population.dictionary('city').find(token))).toEqual([1, 2, 3]);
    expect(readBack(out, 'dan')).toEqual({ city: ['Rome'], likes: ['golf', 'tea'] });

    const old = openPopulation(out, { version: first.version });
    expect([old.directory.size, old.rowCount, old.directory.find('emil'), old.dictionary('city').find('Oslo')]).toEqual(
      [4, 4, -1, 0],
    );
    expect(readBack(out, 'dan', first.version)).toEqual({ city: [''], likes: [] });
  });

  it('keeps numbers and codes over any history of imports', async () => {
    const user = fc.record({ id: fc.integer({ max: 12 }), city: fc.integer({ max: 9 }) });
    const history = fc.array(fc.uniqueArray(user, { minLength: 1, maxLength: 8, selector: ({ id }) => id }), {
      minLength: 1,
      maxLength: 5,
    });
    const property = fc.asyncProperty(history, async (imports) => {
      const [source, out] = [newFolder(), newFolder()];
      const [numbers, codes] = [new Map<string, number>(), new Map<string, number>()];
      for (const one of imports) {
        const users = one.map(({ id, city }) => ({ user_id: `u${id}`, city: `c${city}`, likes: null }));
        await importUsers(source, out, users);
        for (const { user_id, city } of users) {
          if (!numbers.has(user_id)) numbers.set(user_id, numbers.size);
          if (!codes.has(city)) codes.set(city, codes.size + 1);
        }
        const population = openPopulation(out);
        const rows = population.readSegment(0);
        expect(population.directory.size).toBe(numbers.size);
        for (const [id, number] of numbers) expect(population.directory.find(id)).toBe(number);
        expect([...rows.userNumbers]).toEqual(users.map(({ user_id }) => numbers.get(user_id)));
        expect([...allCodesOf(rows.columns.get('city'))]).toEqual(users.map(({ city }) => codes.get(city)));
        expect([...population.rowOf].filter((row) => row >= 0).length).toBe(users.length);
      }
    });
    await fc.assert(property, { numRuns: size(5, 15) });
  });

  it('keeps the codes of a feature that one version left out', async () => {
    const [source, out] = [newFolder(), newFolder()];
    await importUsers(source, out, USERS);
    writeDataSet(source, USERS);
    await importPopulation({ source, out, features: [FEATURES[1]!] });
    await importUsers(source, out, [{ user_id: 'x', city: 'Oslo', likes: [] }]);
    const city = openPopulation(out).dictionary('city');
    expect(['Rome', 'İzmir', 'Oslo'].map((token) => city.find(token))).toEqual([1, 2, 3]);
  });

  it('keeps dictionaries apart whose names differ in case only', async () => {
    const features = ['Age', 'age', 'a/b', 'a_b', '..'].map((name): Feature => ({ name, kind: 'single' }));
    const out = newFolder();
    const user = { user_id: 'u', ...Object.fromEntries(features.map(({ name }, i) => [name, `t${i}`])) };
    await importUsers(newFolder(), out, [user], { features });
    const population = openPopulation(out);
    expect(features.map(({ name }) => population.dictionary(name).token(1))).toEqual(['t0', 't1', 't2', 't3', 't4']);
    const stems = readdirSync(join(out, 'dictionaries')).map((name) => name.toLowerCase());
    expect(new Set(stems).size).toBe(10);
  });
});

describe('a refused import', () => {
  const good = { user_id: 'a', city: 'x', likes: ['y'] };
  const line = (user: object) => `${JSON.stringify(user)}\n`;
  const cases: readonly (readonly [name: string, users: string | Uint8Array, message: string])[] = [
    ['an empty file', '', ' is empty: a population needs at least one user'],
    ['a file of white space', ' \n\n', ' is empty: a population needs at least one user'],
    [
      'a duplicate user',
      line(good) + line({ ...good, user_id: 'b' }) + line(good),
      ':3: the user "a" appears a second time',
    ],
    [
      'an id that is no whole number',
      line({ ...good, user_id: 17.5 }),
      ':1: "user_id" is a number that is not whole; it must be text of 1 to 256 bytes, or a whole number',
    ],
    [
      'an id beyond what JSON holds exactly',
      line(good) + line({ ...good, user_id: 2 ** 53 }),
      ':2: "user_id" is a whole number beyond 2^53, whose last digits JSON readers lose (write it as a string)' +
        '; it must be text of 1 to 256 bytes, or a whole number',
    ],
    [
      'no id',
      line({ city: 'x', likes: [] }),
      ':1: "user_id" is absent; it must be text of 1 to 256 bytes, or a whole number',
    ],
    ['an empty id', line({ ...good, user_id: '' }), ':1: "user_id" is empty; it must be text of 1 to 256 bytes'],
    ['an id of 257 bytes', line({ ...good, user_id: `${'é'.repeat(128)}u` }), ':1: "user_id" is longer than 256 bytes'],
    [
      'an id that is half a character',
      '{"user_id":"a\\ud83d","city":"x","likes":[]}\n',
      ':1: "user_id" contains half of a surrogate pair, which is not valid text',
    ],
    [
      'an absent feature',
      line(good) + line({ user_id: 'b', city: 'x' }),
      ':2: the feature "likes" is absent: write null for an unknown value',
    ],
    [
      'a list for a single feature',
      line({ ...good, city: ['x'] }),
      ':1: the feature "city" is a list; it must be text, a whole number, true, false or null (it is of kind single)',
    ],
    [
      'a number that is not whole for a single feature',
      line({ ...good, city: 3.5 }),
      ':1: the feature "city" is a number that is not whole; ' +
        'it must be text, a whole number, true, false or null (it is of kind single)',
    ],
    [
      'text for a multi feature',
      line({ ...good, likes: 'y' }),
      ':1: the feature "likes" is text; it must be a list of strings or null (it is of kind multi)',
    ],
    [
      '10,000 tokens in a list',
      line({ ...good, likes: Array(10_000).fill('y') }),
      ':1: the feature "likes" has 10000 tokens, more than 4096',
    ],
    [
      'a token of 1,025 bytes',
      line({ ...good, city: 'x'.repeat(1025) }),
      ':1: a token of the feature "city" is longer than 1024 bytes',
    ],
    ['a line that is not JSON', `${line(good)}{"user_id":\n`, ':2: the line is not JSON: '],
    ['a line that is a list', `${line(good)}[]\n`, ':2: the line is a list; a JSON object is expected'],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from(line(good)), Buffer.from('{"user_id":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
      ':2: the line is not valid UTF-8',
    ],
  ];

  it.each(cases)('names file and line of %s, and leaves an earlier version as it was', async (_, users, message) => {
    const [source, out] = [newFolder(), newFolder()];
    await importUsers(source, out, USERS);
    const before = snapshot(out);
    const file = join(source, 'users.ndjson');
    const error = await refusalOf(() => importUsers(source, out, users));
    expect(error.code).toBe('invalid_data');
    expect(error.message.slice(0, file.length + message.length)).toBe(`${file}${message}`);
    expect(snapshot(out)).toEqual(before);
  });

  it('comes late in a file too: segments that were already written go away', async () => {
    const out = join(newFolder(), 'new');
    const users = Array.from({ length: 70_000 }, (_, i) => `{"user_id":"u${i}","city":null,"likes":[]}\n`).join('');
    const error = await refusalOf(() =>
      importUsers(newFolder(), out, `${users}{"user_id":"u5","city":null,"likes":[]}\n`),
    );
    expect(error.message).toContain(':70001: the user "u5" appears a second time');
    expect(existsSync(out)).toBe(false);
  });

  it('carries the value and the limit in its details', async () => {
    const source = newFolder();
    const error = await refusalOf(() => importUsers(source, newFolder(), [{ ...good, likes: Array(5000).fill('y') }]));
    expect(error.details).toEqual([
      {
        pointer: `${join(source, 'users.ndjson')}:1`,
        message: 'the feature "likes" has 5000 tokens, more than 4096',
        value: 5000,
        limit: 4096,
      },
    ]);
  });

  it.each([
    ['maximumUsers', { maximumUsers: 3 }, ':4: the directory is full: too many users'],
    [
      'maximumTokensPerDictionary',
      { maximumTokensPerDictionary: 2 },
      ':3: the dictionary of the feature "likes" is full: too many different tokens',
    ],
    ['maximumLineBytes', { maximumLineBytes: 60 }, ':3: the line is longer than 60 bytes'],
  ])('keeps the limit %s', async (_, limits, message) => {
    expect((await refusalOf(() => importUsers(newFolder(), newFolder(), USERS, { limits }))).message).toContain(
      message,
    );
  });

  it('reports how the schema and the data set differ', async () => {
    const [source, out] = [writeDataSet(newFolder(), USERS), newFolder()];
    const attempt = (features: readonly Feature[]) => refusalOf(() => importPopulation({ source, out, features }));
    expect(await attempt([{ name: 'zip', kind: 'single' }])).toMatchObject({
      code: 'invalid_data',
      message: expect.stringContaining('has no user feature "zip"'),
    });
    expect((await attempt([{ name: 'city', kind: 'multi' }])).message).toContain(
      '"city" is of kind single; multi is expected',
    );
    expect(await attempt([])).toMatchObject({ code: 'invalid_argument' });
    expect(await attempt([FEATURES[0]!, FEATURES[0]!])).toMatchObject({
      code: 'invalid_argument',
      message: 'features: the feature "city" appears twice',
    });
  });

  it('says that the folder is not writable', async () => {
    const out = join(newFolder(), 'file');
    writeFileSync(out, 'not a folder');
    const error = await refusalOf(() => importUsers(newFolder(), out, USERS));
    expect(error).toMatchObject({ code: 'storage_failed', cause: { code: 'EEXIST' } });
    expect(readFileSync(out, 'utf8')).toBe('not a folder');
  });

  it('may fail when all is read and only the writing goes wrong: the old version serves, and it works when tried again', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const first = await importUsers(source, out, USERS);
    const next = [...USERS, { user_id: 'emil', city: 'Oslo', likes: ['golf'] }];
    // A folder in the place of the file that is renamed to `current`.
    mkdirSync(join(out, 'current.tmp'));
    const error = await refusalOf(() => importUsers(source, out, next));
    expect(error).toMatchObject({ code: 'storage_failed', cause: { code: 'EISDIR' } });
    expect(openPopulation(out)).toMatchObject({ version: first.version, rowCount: 4 });
    rmdirSync(join(out, 'current.tmp'));
    const fresh = newFolder();
    await importUsers(source, fresh, USERS);
    expect(await importUsers(source, out, next)).toMatchObject({
      version: (await importUsers(source, fresh, next)).version,
      users: 5,
    });
    expect(snapshot(out)).toEqual(snapshot(fresh));
  });
});
