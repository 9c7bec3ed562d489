/** Erased users of a population folder: hidden in every version at once, left out of imports, their ids overwritten. */
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { tryFileLock } from '../../src/lib/files/file-lock.ts';
import { eraseUsers } from '../../src/population/erase/erase-users.ts';
import { Erasures } from '../../src/population/erase/erasures.ts';
import { importFiles } from '../../src/population/import/import.ts';
import type { SourceSchema } from '../../src/population/import/source-schema.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { schemaOfFeatures, type UpdateFilesOptions, updateFiles } from '../../src/population/update/update-files.ts';
import { publishVersion } from '../../src/population/versions/version-writer.ts';
import { pruneVersions, redactErasedUsers } from '../../src/population/versions/versions.ts';
import { newFolder } from '../fixture/folders.ts';
import { FEATURES, importUsers, refusalOf, snapshot, type TestUser } from './support.ts';

const usersOf = (ids: readonly string[], city = 'x') =>
  ids.map((id) => ({ user_id: id, city, likes: [`of ${id}`] }) as TestUser);
const IDS = ['anna-0001', 'bob-00002', 'çelik-003', 'd', 'eve-00005'];

async function newPopulation(ids: readonly string[] = IDS): Promise<string> {
  const out = newFolder();
  await importUsers(newFolder(), out, usersOf(ids));
  return out;
}

const erase = (out: string, ...ids: string[]) => eraseUsers(out, ids, openPopulation(out));
const idsOf = (out: string, version?: string) => {
  const { directory, rowOf } = openPopulation(out, version === undefined ? {} : { version });
  return Array.from(rowOf.keys())
    .filter((number) => rowOf[number]! >= 0 && !directory.isErased(number))
    .map((number) => directory.id(number));
};
const filesWith = (out: string, id: string) =>
  [...snapshot(out)].filter(([, hex]) => hex.includes(Buffer.from(id).toString('hex'))).map(([path]) => path);

describe('an erased user', () => {
  it('is hidden from every open version once it reads the file, and from those opened later', async () => {
    const out = await newPopulation();
    const before = openPopulation(out);
    expect(before.directory.find('bob-00002')).toBe(1);
    expect(await erase(out, 'bob-00002', 'never-known', 'bob-00002')).toEqual({ erased: 2, known: 1 });
    expect([before.erasures.refresh(), before.erasures.refresh(), before.erasures.count]).toEqual([true, false, 2]);
    for (const { directory } of [before, openPopulation(out)]) {
      expect([directory.find('bob-00002'), directory.isErased(1), directory.isErased(0)]).toEqual([-1, true, false]);
      expect([directory.find('anna-0001'), directory.id(0)]).toEqual([0, 'anna-0001']);
    }
  });

  it('is recorded once, however often it is erased', async () => {
    const out = await newPopulation();
    await erase(out, 'd', 'nobody');
    const files = snapshot(out);
    expect(await erase(out, 'd', 'nobody')).toEqual({ erased: 0, known: 0 });
    expect(snapshot(out)).toEqual(files);
    expect(statSync(join(out, 'erased.key')).mode & 0o777).toBe(0o600);
  });

  it('leaves no id in the file of erasures, and none anywhere after the next import, in any version', async () => {
    const out = await newPopulation();
    const first = openPopulation(out).version;
    await erase(out, 'çelik-003', 'unknown-99');
    expect(filesWith(out, 'çelik-003')).toContain('directory.bytes');
    expect(filesWith(out, 'unknown-99')).toEqual([]);
    const { version, erased, users } = await importUsers(newFolder(), out, usersOf([...IDS, 'unknown-99'], 'y'));
    expect([erased, users]).toEqual([2, 4]);
    // dictionaries keep tokens: those of a row that is left out are not added
    expect(filesWith(out, 'unknown-99')).toEqual([]);
    expect(filesWith(out, 'çelik-003').filter((path) => !path.startsWith('dictionaries'))).toEqual([]);
    const left = IDS.filter((id) => id !== 'çelik-003');
    expect([idsOf(out, version), idsOf(out, first)]).toEqual([left, left]);
    for (const id of left) expect(openPopulation(out).directory.find(id)).toBe(IDS.indexOf(id));
  });

  it('is left out of files too, in every form, with bad and replaced rows beside it', async () => {
    const out = await newPopulation(['anna-0001']);
    await erase(out, 'bob-00002');
    const schema: SourceSchema = {
      userId: 'user_id',
      features: [{ name: 'city', kind: 'single', column: 'city' }],
    } as never;
    const rows = ['anna-0001,Rome', 'bob-00002,Oslo', 'bob-00002,Lima', 'anna-0001,Nice', 'eve-00005,Bonn'];
    const csv = join(newFolder(), 'users.csv');
    writeFileSync(csv, `user_id,city\n${rows.join('\n')}\n`);
    const ndjson = join(newFolder(), 'users.ndjson');
    const lines = rows.map((row) => row.split(',')).map(([user_id, city]) => JSON.stringify({ user_id, city }));
    writeFileSync(ndjson, `${lines.join('\n')}\n`);
    for (const source of [csv, ndjson]) {
      const result = await importFiles({ sources: [source], schema, out, duplicates: 'last' });
      expect(result).toMatchObject({ users: 2, erased: 2, replaced: 1, badRows: 0 });
      expect(idsOf(out)).toEqual(['anna-0001', 'eve-00005']);
      expect(filesWith(out, 'Oslo')).toEqual([]);
    }
  });

  it('can be readmitted as a new user, stays in, and can be erased again', async () => {
    const out = await newPopulation();
    await erase(out, 'anna-0001');
    const source = join(newFolder(), 'users.ndjson');
    writeFileSync(source, IDS.map((user_id) => `${JSON.stringify({ user_id, city: 'z' })}\n`).join(''));
    const schema = { userId: 'user_id', features: [{ name: 'city', kind: 'single', column: 'city' }] } as never;
    const again = await importFiles({ sources: [source], schema, out, readmitErased: true });
    expect(again).toMatchObject({ users: 5, newUsers: 1, erased: 0 });
    expect(openPopulation(out).directory.find('anna-0001')).toBe(5);
    expect(await importFiles({ sources: [source], schema, out })).toMatchObject({ users: 5, newUsers: 0, erased: 0 });
    expect(await erase(out, 'anna-0001')).toEqual({ erased: 1, known: 1 });
    expect(await importFiles({ sources: [source], schema, out })).toMatchObject({ users: 4, erased: 1 });
    expect(filesWith(out, 'anna-0001').filter((path) => !path.startsWith('dictionaries'))).toEqual([]);
  });

  it('is found where a newer version knows the user and the served one does not', async () => {
    const out = await newPopulation(['anna-0001']);
    const old = openPopulation(out);
    await importUsers(newFolder(), out, usersOf(IDS));
    expect(await eraseUsers(out, ['eve-00005', 'nobody'], old)).toEqual({ erased: 2, known: 1 });
    expect(idsOf(out)).toEqual(IDS.slice(0, 4));
  });
});

describe('an update', () => {
  const schema = (features: readonly Feature[]) => schemaOfFeatures(features, new Map());
  const update = (population: string, ids: readonly string[], more: Partial<UpdateFilesOptions> = {}) => {
    const path = join(newFolder(), 'changed.ndjson');
    writeFileSync(
      path,
      usersOf(ids, 'new city')
        .map((user) => `${JSON.stringify(user)}\n`)
        .join(''),
    );
    return updateFiles({ population, changed: ids.length > 0 ? [path] : [], deleted: [], schema, ...more });
  };

  it('removes erased users from its base version, and leaves their rows out', async () => {
    const out = await newPopulation();
    await erase(out, 'bob-00002', 'd', 'unknown-99');
    const result = await update(out, ['d', 'anna-0001', 'unknown-99']);
    expect(result).toMatchObject({ erased: 2, leftOut: 2, changed: 1, added: 0, users: 3 });
    expect(new Set(idsOf(out))).toEqual(new Set(['anna-0001', 'çelik-003', 'eve-00005']));
    expect(openPopulation(out)).toMatchObject({ version: result.version, rowCount: 3 });
    expect(filesWith(out, 'unknown-99')).toEqual([]);
    expect(await update(out, ['anna-0001'])).toMatchObject({ version: result.version, erased: 0, unchanged: 1 });
  });

  it('is one for the erased users alone, whose rows are gone from the disk where it compacts', async () => {
    const out = await newPopulation();
    await erase(out, 'eve-00005');
    const { version } = await update(out, [], { isCompacted: true });
    expect([idsOf(out, version), openPopulation(out).rowCount]).toEqual([IDS.slice(0, 4), 4]);
    expect(openPopulation(out).readSegment(0).userNumbers).toEqual(Int32Array.of(0, 1, 2, 3));
  });

  it('refuses to leave no user', async () => {
    const out = await newPopulation(['anna-0001']);
    await erase(out, 'anna-0001');
    expect((await refusalOf(() => update(out, ['anna-0001']))).message).toContain('would leave no user');
  });
});

describe('an erasure while an import runs', () => {
  it('happens at once, and hides users whom the import has just added', async () => {
    const out = await newPopulation(['anna-0001', 'bob-00002']);
    const served = openPopulation(out);
    const features = FEATURES;
    await publishVersion({ out, features, sensitive: new Set() }, 'test', async (writer) => {
      for (const id of IDS) {
        const number = writer.directory.add(id, 256);
        writer.segment.columns[0]!.push(0);
        writer.endRow(number);
      }
      expect(tryFileLock(join(out, 'writer.lock'))).toBeNull();
      expect(await eraseUsers(out, ['bob-00002', 'eve-00005'], served)).toEqual({ erased: 2, known: 1 });
    });
    expect(idsOf(out)).toEqual(['anna-0001', 'çelik-003', 'd']);
    expect(filesWith(out, 'eve-00005')).toEqual([]);
    expect(openPopulation(out).erasures.has(4)).toBe(true);
    // the next import leaves both out
    expect(await importUsers(newFolder(), out, usersOf(IDS))).toMatchObject({ erased: 2, users: 3 });
  });

  it('waits for the holder of the erasure lock', async () => {
    const out = await newPopulation();
    const release = tryFileLock(join(out, 'erasures.lock'))!;
    let isDone = false;
    const erasing = erase(out, 'd').then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isDone).toBe(false);
    release();
    await erasing;
    expect(idsOf(out)).not.toContain('d');
  });
});

describe('ids that are overwritten', () => {
  it('leave every version verified, at each step at which it could be killed', async () => {
    const out = await newPopulation(IDS.slice(0, 3));
    await importUsers(newFolder(), out, usersOf(IDS, 'y'));
    await erase(out, 'anna-0001', 'eve-00005');
    const original = readFileSync(join(out, 'directory.bytes'));
    expect([redactErasedUsers(out), redactErasedUsers(out)]).toEqual([2, 0]);
    const redacted = readFileSync(join(out, 'directory.bytes'));
    expect(redacted.length).toBe(original.length);
    const open = () => openPopulation(out).directory.find('bob-00002');
    expect(open()).toBe(1);
    // killed after the sums, before the file took its place
    writeFileSync(join(out, 'directory.bytes'), original);
    expect(open()).toBe(1);
    expect(redactErasedUsers(out)).toBe(2);
    expect(readFileSync(join(out, 'directory.bytes'))).toEqual(redacted);
    // once more, over what was redacted already
    await erase(out, 'd');
    expect(redactErasedUsers(out)).toBe(1);
    expect(open()).toBe(1);
    expect(await importUsers(newFolder(), out, usersOf(IDS, 'z'))).toMatchObject({ users: 2, newUsers: 0, erased: 3 });
  });

  it('go with a prune, and never make an altered directory pass', async () => {
    const out = await newPopulation();
    await erase(out, 'eve-00005');
    pruneVersions(out, 1);
    expect(filesWith(out, 'eve-00005').filter((path) => !path.startsWith('dictionaries'))).toEqual([]);
    await erase(out, 'd');
    const bytes = readFileSync(join(out, 'directory.bytes'));
    bytes[0]! ^= 1;
    writeFileSync(join(out, 'directory.bytes'), bytes);
    expect((await refusalOf(() => redactErasedUsers(out))).message).toContain('directory.bytes was altered');
    expect((await refusalOf(() => openPopulation(out))).message).toContain('directory.bytes was altered');
  });

  it('keep look-ups fast even if many have the same length', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `user-${String(i).padStart(6, '0')}`);
    const out = await newPopulation(many);
    await erase(out, ...many.slice(1));
    redactErasedUsers(out);
    const start = process.hrtime.bigint();
    expect(openPopulation(out).directory.find(many[0]!)).toBe(0);
    expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(2_000);
  });
});

describe('the file of erasures', () => {
  it('is read up to a torn end, which the next erasure cuts off', async () => {
    const out = await newPopulation();
    const path = join(out, 'erased.bin');
    await erase(out, 'd');
    const whole = readFileSync(path);
    for (const tail of [Buffer.from('torn'), Buffer.alloc(24), Buffer.alloc(60)]) {
      appendFileSync(path, tail);
      expect([...new Erasures(out).numbers]).toEqual([3]);
      await erase(out, 'eve-00005');
      expect(readFileSync(path).length).toBe(2 * whole.length);
      truncateSync(path, whole.length);
    }
  });

  it('is refused if it was altered, or its key is missing', async () => {
    const out = await newPopulation();
    const path = join(out, 'erased.bin');
    await erase(out, 'd', 'eve-00005');
    const whole = readFileSync(path);
    const altered = Buffer.from(whole);
    altered[5]! ^= 1;
    writeFileSync(path, altered);
    expect((await refusalOf(() => openPopulation(out))).message).toContain('erased.bin was altered');
    writeFileSync(path, whole);
    rmSync(join(out, 'erased.key'));
    expect((await refusalOf(() => erase(out, 'anna-0001'))).code).toBe('invalid_population');
    expect((await refusalOf(() => importUsers(newFolder(), out, usersOf(['new'])))).code).toBe('invalid_population');
    expect(idsOf(out)).toEqual(IDS.slice(0, 3));
  });
});
