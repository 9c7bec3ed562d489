/**
 * Updates: what a version holds after them, what it shares with the one before, and each refusal with nothing changed.
 */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffPopulations } from '../../src/population/read/diff.ts';
import { openPopulation, type Population } from '../../src/population/read/population.ts';
import type { Rows } from '../../src/population/read/segments.ts';
import { schemaOfFeatures, type UpdateFilesOptions, updateFiles } from '../../src/population/update/update-files.ts';
import { withPopulationFiles } from '../../src/population/versions/copy-files.ts';
import { makeCurrent, pruneVersions, summariseVersions } from '../../src/population/versions/versions.ts';
import { useFolders } from '../fixture/folders.ts';
import { itUsual, size } from '../fixture/size.ts';
import { codesOf, importUsers, refusalOf, snapshot, type TestUser, toLines, USERS } from './support.ts';

const newFolder = useFolders();

interface Delta extends Partial<Omit<UpdateFilesOptions, 'changed' | 'deleted'>> {
  readonly changed?: readonly TestUser[];
  readonly deleted?: readonly string[];
}

/** Updates a folder by NDJSON and text. */
function update(population: string, { changed, deleted, ...options }: Delta) {
  const folder = newFolder();
  const [rows, ids] = [join(folder, 'changed.ndjson'), join(folder, 'deleted.txt')];
  if (changed) writeFileSync(rows, toLines(changed));
  if (deleted) writeFileSync(ids, deleted.map((id) => `${id}\n`).join(''));
  const schema: UpdateFilesOptions['schema'] = (features) => schemaOfFeatures(features, new Map());
  const files = { changed: changed ? [rows] : [], deleted: deleted ? [ids] : [] };
  return updateFiles({ population, schema, ...files, ...options });
}

/** All users with their tokens, by what `readSegment` shows; also checks that `rowOf` and `readRows` say the same. */
function usersOf(population: Population): Map<string, string> {
  const users = new Map<string, string>();
  let row = 0;
  let misplaced = 0;
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const rows = population.readSegment(segment);
    for (let i = 0; i < rows.count; i++, row++) {
      const user = rows.userNumbers[i]!;
      if (population.rowOf[user] !== row) misplaced += 1;
      users.set(population.directory.id(user), tokensOf(population, rows, i));
    }
  }
  expect([row, users.size, misplaced]).toEqual([population.rowCount, population.rowCount, 0]);
  expect(population.rowOf.filter((at) => at >= 0)).toHaveLength(row);
  const order = Int32Array.from({ length: row }, (_, i) => (i * 7919) % row);
  const gathered = population.readRows(order);
  for (let i = 0; i < row; i++) {
    const id = population.directory.id(gathered.userNumbers[i]!);
    if (tokensOf(population, gathered, i) !== users.get(id)) misplaced += 1;
  }
  expect(misplaced).toBe(0);
  return users;
}

function tokensOf(population: Population, rows: Rows, row: number): string {
  const lists = [...rows.columns].map(([name, column]) =>
    codesOf(column, row)
      .map((code) => population.dictionary(name).token(code))
      .join(','),
  );
  return lists.join('/');
}

/** What `usersOf` gives for these users. */
function expectedOf(users: Iterable<TestUser>): Map<string, string> {
  const textOf = ({ city, likes }: TestUser) => `${city ?? ''}/${((likes ?? []) as string[]).join(',')}`;
  return new Map([...users].map((user) => [String(user.user_id), textOf(user)]));
}

describe('updateFiles', () => {
  itUsual('changes, adds and deletes users; all others keep their rows', async () => {
    const out = newFolder();
    const first = await importUsers(newFolder(), out, USERS);
    const changed = [
      { user_id: 'anna', city: 'Oslo', likes: ['golf', 'tea'] },
      { user_id: 'emil', city: null, likes: null },
    ];
    const result = await update(out, { changed, deleted: ['bob', 'nobody', 'bob', ''] });
    expect(result).toMatchObject({
      ...{ before: first.version, users: 4, changed: 1, added: 1, deleted: 1, unknown: 1, unchanged: 0 },
      ...{ badRows: 0, replaced: 0 },
    });
    const population = openPopulation(out);
    expect(population.version).toBe(result.version);
    expect(usersOf(population)).toEqual(expectedOf([USERS[2]!, USERS[3]!, ...changed]));
    expect(['anna', 'bob', 'emil'].map((id) => population.directory.find(id))).toEqual([0, 1, 4]);
    expect(usersOf(openPopulation(out, { version: first.version }))).toEqual(expectedOf(USERS));
    expect(readdirSync(out)).not.toContain('incoming');
  });

  itUsual('writes nothing where nothing changes, so that it may come again', async () => {
    const out = newFolder();
    await importUsers(newFolder(), out, USERS);
    const delta = { changed: [{ user_id: 'bob', city: 'Rome', likes: ['tea'] }, USERS[0]!], deleted: ['dan'] };
    const once = await update(out, delta);
    expect(once).toMatchObject({ changed: 1, unchanged: 1, deleted: 1 });
    const before = snapshot(out);
    const again = await update(out, delta);
    expect(again).toMatchObject({ version: once.version, before: once.version, users: 3 });
    expect(again).toMatchObject({ changed: 0, unchanged: 2, deleted: 0, unknown: 1 });
    expect(await update(out, { changed: [] })).toMatchObject({ version: once.version });
    expect(snapshot(out)).toEqual(before);
  });

  itUsual('gives the version that another folder of the same history has', async () => {
    const [one, two] = [newFolder(), newFolder()];
    for (const out of [one, two]) {
      await importUsers(newFolder(), out, USERS);
      await update(out, { changed: [{ user_id: 'emil', city: 'Rome', likes: [] }], deleted: ['anna'] });
    }
    expect(snapshot(one)).toEqual(snapshot(two));
  });

  it('holds what a map of users holds, over random histories', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const user = fc.record({
      user_id: fc.constantFrom(...ids),
      city: fc.constantFrom(null, 'x', 'y', 'z'),
      likes: fc.array(fc.constantFrom('t', 'u', 'v'), { maxLength: 3 }),
    });
    const rows = fc.uniqueArray(user, { selector: ({ user_id }) => user_id, maxLength: 7 });
    const step = fc.record({ changed: rows, deleted: fc.subarray(ids), isCompacted: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const out = newFolder();
        const state = new Map<string, TestUser>([['keeper', { user_id: 'keeper', city: 'x', likes: [] }]]);
        await importUsers(newFolder(), out, [...state.values()]);
        for (const { changed, deleted, isCompacted } of steps) {
          const gone = deleted.filter((id) => !changed.some(({ user_id }) => user_id === id));
          const { before, users } = await update(out, { changed, deleted: gone, isCompacted });
          const old = new Map(state);
          for (const id of gone) state.delete(id);
          for (const one of changed) state.set(one.user_id, one);
          const [then, now] = [openPopulation(out, { version: before }), openPopulation(out)];
          expect(users).toBe(state.size);
          expect(usersOf(now)).toEqual(expectedOf(state.values()));
          const diff = diffPopulations(then, now);
          expect(diff.added).toBe([...state.keys()].filter((id) => !old.has(id)).length);
          expect(diff.removed).toBe([...old.keys()].filter((id) => !state.has(id)).length);
        }
      }),
      { numRuns: size(6, 20) },
    );
  });
});

describe('an update of several segments', () => {
  const many = (from: number, to: number, city: string): TestUser[] =>
    Array.from({ length: to - from }, (_, i) => ({ user_id: `u${from + i}`, city, likes: [`t${i % 9}`] }));
  const segmentsOf = (out: string, version: string) =>
    readdirSync(join(out, version, 'segments')).map((name) => statSync(join(out, version, 'segments', name)).ino);

  const contractOf = (out: string, version: string) =>
    JSON.parse(readFileSync(join(out, version, 'population.json'), 'utf8')).contract;

  it('shares files that have most of their users, and joins the others', async () => {
    const full = size(1, 2); // segments
    const users = full * 65_536 + 8_928;
    const out = newFolder();
    const first = await importUsers(newFolder(), out, many(0, users, 'x'));
    const state = new Map(many(0, users, 'x').map((user) => [user.user_id, user]));
    const apply = async (changed: TestUser[], deleted: string[]) => {
      for (const user of changed) state.set(user.user_id, user);
      for (const id of deleted) state.delete(id);
      const result = await update(out, { changed, deleted });
      expectState();
      return result;
    };
    // toEqual() takes seconds for so many
    const expectState = () => {
      const users = usersOf(openPopulation(out));
      expect(users.size).toBe(state.size);
      expect([...expectedOf(state.values())].filter(([id, text]) => users.get(id) !== text)).toEqual([]);
    };
    // a row of each full segment: they stay; the last, of 8,928 rows, is written anew
    const one = Array.from({ length: full }, (_, i) => many(70_000 * i + 5, 70_000 * i + 6, 'y')).flat();
    const second = await apply(one, [`u${users - 1}`]);
    expect(second.segments).toEqual({ shared: full, written: 1 });
    const [before, after] = [segmentsOf(out, first.version), segmentsOf(out, second.version)];
    expect(after.filter((file) => before.includes(file))).toHaveLength(full);
    const current = summariseVersions(out).find(({ isCurrent }) => isCurrent);
    expect(current).toMatchObject({ deadRows: full, sharedSegments: full });

    // the first segment loses a third
    const third = await apply(many(10, 22_000, 'z'), []);
    expect(third.segments).toEqual({ shared: full - 1, written: 2 });
    expect(openPopulation(out).segmentCount).toBe(full + 1);
    await apply(many(40_000, 40_001, 'w'), []);

    const compacted = await update(out, { isCompacted: true });
    expect(summariseVersions(out).find(({ isCurrent }) => isCurrent)).toMatchObject({ deadRows: 0 });
    expect([first, second, compacted].map(({ version }) => contractOf(out, version))).toEqual([1, 2, 1]);
    expectState();
    expect(await update(out, { isCompacted: true })).toMatchObject({ version: compacted.version });

    // whatever version goes, the others are whole
    expect(pruneVersions(out, 1)).toHaveLength(4);
    expectState();
  }, 60_000);
});

describe('an update that is refused', () => {
  const make = async () => {
    const out = newFolder();
    await importUsers(newFolder(), out, USERS);
    return { out, before: snapshot(out) };
  };
  const changed = [{ user_id: 'emil', city: 'Oslo', likes: ['golf'] }];

  itUsual.each<[string, Delta, RegExp]>([
    [
      'a user is changed twice',
      { changed: [...changed, ...changed] },
      /changed\.ndjson:2: the user "emil" appears a second/,
    ],
    [
      'a user is changed and deleted',
      { changed, deleted: ['emil'] },
      /ndjson:1: the user "emil" is both changed and deleted/,
    ],
    ['a known user is both', { changed: [USERS[1]!], deleted: ['bob'] }, /the user "bob" is both changed and deleted/],
    ['a feature is absent', { changed: [{ user_id: 'x', city: null }] }, /:1: the feature "likes" is absent/],
    ['no user is left', { deleted: USERS.map(({ user_id }) => String(user_id)) }, /the update would leave no user/],
    ['there is no file', {}, /give a file of changed users/],
    ['an id is too long', { deleted: ['x'.repeat(257)] }, /deleted\.txt:1: the user id is longer than 256 bytes/],
  ])('where %s changes nothing', async (_, delta, message) => {
    const { out, before } = await make();
    const error = await refusalOf(() => update(out, delta));
    expect(error.message).toMatch(message);
    expect(snapshot(out)).toEqual(before);
  });

  itUsual('takes the last row of a user, and leaves out bad rows, where that is asked for', async () => {
    const { out } = await make();
    const rows = [...changed, { user_id: 'x', city: 3 }, { user_id: 'emil', city: 'Bern', likes: [] }] as TestUser[];
    const result = await update(out, { changed: rows, duplicates: 'last', maximumBadRows: 1 });
    expect(result).toMatchObject({ added: 1, replaced: 1, badRows: 1 });
    expect(usersOf(openPopulation(out)).get('emil')).toBe('Bern/');
    expect(openPopulation(out).dictionary('city').find('Oslo')).toBe(0);
  });

  itUsual('needs a population', async () => {
    const out = join(newFolder(), 'none');
    expect((await refusalOf(() => update(out, { changed }))).message).toMatch(/none is not a population/);
    expect(existsSync(out)).toBe(false);
  });

  itUsual('does not build on a damaged version', async () => {
    const { out } = await make();
    const { version } = openPopulation(out);
    truncateSync(join(out, version, 'segments/000000.arrow'), 100);
    expect((await refusalOf(() => update(out, { changed }))).message).toMatch(/000000\.arrow is damaged/);
  });

  itUsual('names a version that is not there', async () => {
    const { out, before } = await make();
    expect((await refusalOf(() => update(out, { changed, base: '0123456789ab' }))).message).toContain(
      'has no version 0123456789ab to build on',
    );
    expect(snapshot(out)).toEqual(before);
  });
});

describe('the version that an update builds on', () => {
  const fritz = { changed: [{ user_id: 'fritz', city: null, likes: null }] };

  /** A first version, which is current again, and an update of it with emil and without dan. */
  const make = async () => {
    const out = newFolder();
    const first = (await importUsers(newFolder(), out, USERS)).version;
    const changed = [{ user_id: 'emil', city: 'Oslo', likes: ['golf'] }];
    const second = (await update(out, { changed, deleted: ['dan'] })).version;
    makeCurrent(out, first);
    return { out, first, second };
  };
  const has = (out: string, ...ids: string[]) => ids.map((id) => usersOf(openPopulation(out)).has(id));

  itUsual('is the newest one, whichever is current: no delta is dropped', async () => {
    const { out, first, second } = await make();
    const result = await update(out, fritz);
    expect(result).toMatchObject({ before: second, isOfNewest: true, currentBefore: first, users: 5 });
    expect(has(out, 'emil', 'fritz', 'dan')).toEqual([true, true, false]);
    expect(openPopulation(out).version).toBe(result.version);
  });

  itUsual('is the current one, or any other, where that is asked for; numbers are not given again', async () => {
    for (const base of ['current', 'first']) {
      const { out, first, second } = await make();
      const result = await update(out, { ...fritz, base: base === 'first' ? first : base });
      expect(result).toMatchObject({ before: first, isOfNewest: false, users: 5 });
      expect([openPopulation(out).directory.find('fritz'), ...has(out, 'emil', 'dan')]).toEqual([5, false, true]);
      // from now on that one is the newest
      const again = await update(out, { changed: [{ user_id: 'gerd', city: null, likes: null }] });
      expect([again.before, summariseVersions(out).map(({ version }) => version)]).toEqual([
        result.version,
        [again.version, result.version, second, first],
      ]);
    }
  });

  itUsual('is the newest by the order of publication, not by times, also in a copy and after a prune', async () => {
    const { out, second } = await make();
    const third = (await update(out, { deleted: ['bob'] })).version;
    // a clock that was set back, and a copy that gave all files the same time
    for (const version of [third, second])
      for (const seconds of [1_000, 2_000_000_000]) {
        utimesSync(join(out, version, 'population.json'), seconds, seconds);
        expect(summariseVersions(out)[0]).toMatchObject({ version: third, isNewest: true });
      }
    const copy = newFolder();
    await withPopulationFiles(out, async (files) => {
      for (const { path } of files) cpSync(join(out, path), join(copy, path), { recursive: true });
    });
    for (const folder of [out, copy]) {
      makeCurrent(folder, second);
      pruneVersions(folder, 1);
      expect(await update(folder, fritz)).toMatchObject({ before: third, users: 4 });
    }
  });

  itUsual('is a version whose writer was killed before it recorded the publication', async () => {
    const { out, first, second } = await make();
    writeFileSync(join(out, 'versions'), `${first}\n`);
    utimesSync(join(out, second, 'population.json'), 1_000, 1_000);
    expect(await update(out, fritz)).toMatchObject({ before: second, users: 5 });
  });

  itUsual('becomes current where nothing changes: so ends an update that was killed before it was', async () => {
    const { out, second } = await make();
    expect(await update(out, { deleted: ['dan'] })).toMatchObject({ version: second, before: second });
    expect(openPopulation(out).version).toBe(second);
  });

  itUsual('is content that was imported again, where that came last', async () => {
    const { out, second } = await make();
    const again = (await importUsers(newFolder(), out, USERS)).version;
    makeCurrent(out, second);
    expect(await update(out, fritz)).toMatchObject({ before: again, isOfNewest: true, users: 5 });
  });
});
