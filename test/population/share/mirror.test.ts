/** Publishing a population, and mirroring it on other hosts. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { untilRead } from '../../../src/domain/ports/blobs.ts';
import { openPopulation, summariseVersions } from '../../../src/population/read.ts';
import { Mirror, prunePublished } from '../../../src/population/share.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { importUsers, USERS } from '../support.ts';
import {
  CountingFiles,
  newStorage,
  now,
  openIn,
  openMirror,
  publish,
  pull,
  rowsOf,
  segmentsIn,
  users,
} from './shared-support.ts';

const source = () => join(temporaryFolder(), 'data');
/** More users than a segment has rows. */
const MANY = 66_000;
const many = users(0, MANY);

describe('a published population', () => {
  itUsual('is the same in a mirror on another host', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(source(), out, many);
    expect(await publish(out, files)).toMatchObject({ version, known: 0, files: 3 });
    const mirror = await openMirror(files);
    expect(mirror.newest).toBe(version);
    const [here, there] = [openPopulation(out), await openIn(mirror)];
    expect(segmentsIn(mirror.folder, version)).toEqual([]);
    expect(there).toMatchObject({ version, rowCount: MANY, segmentCount: 2, features: here.features });
    expect(there.directory.find('user-65999')).toBe(here.directory.find('user-65999'));
    expect(there.directory.find('nobody')).toBe(-1);
    expect(there.dictionary('city').find('city 7')).toBe(here.dictionary('city').find('city 7'));
    expect(there.rowOf).toEqual(here.rowOf);
    expect(await rowsOf(there)).toEqual(await rowsOf(here));
    expect(segmentsIn(mirror.folder, version)).toHaveLength(2);
    expect(summariseVersions(mirror.folder)).toMatchObject([{ version, isCurrent: true, isNewest: true, users: MANY }]);
    mirror.close();
  });

  itUsual('adds only what is new with each version, which mirrors then have too', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const folder = source();
    const first = await importUsers(folder, out, many);
    await publish(out, files);
    const mirror = await openMirror(files);
    await rowsOf(await openIn(mirror));
    files.puts.length = 0;
    files.fetches.length = 0;
    // the first segment stays the same
    const second = await importUsers(folder, out, [...many, ...users(MANY, MANY + 10)]);
    expect(await publish(out, files)).toMatchObject({ version: second.version, files: 2, known: 1 });
    const put = files.puts.filter((name) => name.includes('/files/'));
    // rows of users, the last segment, and the last part of each table, as the dictionaries do not change
    expect(put).toHaveLength(2 + 2);
    await mirror.sync();
    expect(mirror.index.versions.map(({ version }) => version)).toEqual([first.version, second.version]);
    const there = await openIn(mirror);
    expect(await rowsOf(there)).toEqual(await rowsOf(openPopulation(out)));
    expect(there.directory.find(`user-${MANY + 9}`)).toBe(MANY + 9);
    // the segment that both versions have is linked
    expect(files.fetches).toHaveLength(2);
    expect(await rowsOf(await openIn(mirror, first.version))).toHaveLength(MANY);
    mirror.close();
  });

  itUsual('changes nothing when it is published again, and continues after an interruption', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(source(), out, many);
    let stored = 0;
    files.before = (name) => {
      if (name.includes('/files/') && ++stored > 3) throw new Error('killed');
    };
    await expect(publish(out, files)).rejects.toThrow('killed');
    files.before = () => {};
    const mirror = await openMirror(files);
    expect(mirror.newest).toBeNull();
    files.puts.length = 0;
    expect(await publish(out, files)).toMatchObject({ version });
    expect(files.puts.filter((name) => name.includes('/files/')).length).toBeLessThan(7);
    await mirror.sync();
    expect(mirror.newest).toBe(version);
    expect(await publish(out, files)).toMatchObject({ version, files: 0, bytes: 0, known: 3 });
    expect(mirror.index.versions).toHaveLength(1);
    expect(await rowsOf(await openIn(mirror))).toHaveLength(MANY);
    mirror.close();
  });

  itUsual('is refused from a folder with other user numbers', async () => {
    const { files } = newStorage();
    const [one, two] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'two')];
    await importUsers(source(), one, USERS);
    await importUsers(source(), two, users(0, 10));
    await publish(one, files);
    await expect(publish(two, files)).rejects.toThrow('does not continue the published population');
  });

  itUsual('can be copied into a new folder, which is independent from then on', async () => {
    const { files } = newStorage();
    const [out, copy] = [join(temporaryFolder(), 'population'), join(temporaryFolder(), 'copy')];
    await expect(pull(files, copy)).rejects.toThrow('no population is published');
    const first = await importUsers(source(), out, [...many, ...users(MANY, MANY + 5)]);
    await publish(out, files);
    // the newest version has fewer users, but all user numbers
    const { version } = await importUsers(source(), out, many);
    await publish(out, files);
    const mirror = await openMirror(files);
    await mirror.erase(['user-7'], await openIn(mirror));
    let fetched = 0;
    files.before = (name) => {
      if (name.includes('/files/') && ++fetched > 1) throw new Error('killed');
    };
    await expect(pull(files, copy)).rejects.toThrow('killed');
    files.before = () => {};
    await pull(files, copy);
    await expect(pull(files, copy)).rejects.toThrow('exists: a copy needs a new folder');
    expect(summariseVersions(copy).map((one) => one.version)).toEqual([version]);
    const old = await pull(files, undefined, first.version);
    expect(summariseVersions(old).map((one) => one.version)).toEqual([first.version]);
    expect(await rowsOf(openPopulation(copy))).toEqual(await rowsOf(openPopulation(out)));
    expect(openPopulation(copy).directory.find('user-7')).toBe(-1);
    const next = await importUsers(source(), copy, users(0, MANY + 6));
    expect(next).toMatchObject({ newUsers: 1, erased: 1 });
    mirror.close();
  });

  itUsual('is removed version by version, with all files that no version needs', async () => {
    const { files, root } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const folder = source();
    const versions: string[] = [];
    for (const size of [30, 20, 10]) {
      versions.push((await importUsers(folder, out, users(0, size))).version);
      await publish(out, files);
    }
    await files.put(`population/files/${'0'.repeat(64)}`, Buffer.from('left by a killed process'));
    const before = readdirSync(join(root, 'population/files')).length;
    const mirror = await openMirror(files);
    const report = await prunePublished(files, { keep: 1, served: [], now });
    // the first version is kept, because it has the most users
    expect(report).toMatchObject({ versions: [], files: 1 });
    await importUsers(folder, out, users(0, 40));
    await publish(out, files);
    expect(await prunePublished(files, { keep: 1, served: [versions[1]!], now })).toMatchObject({
      ...{ versions: [versions[0], versions[2]] },
    });
    expect(readdirSync(join(root, 'population/files')).length).toBeLessThan(before);
    await mirror.sync();
    expect(mirror.index.versions.map(({ version }) => version)).toEqual([versions[1], mirror.newest]);
    expect(await rowsOf(await openIn(mirror, versions[1]))).toHaveLength(20);
    await expect(mirror.take(versions[0]!)).rejects.toMatchObject({ code: 'population_unavailable' });
    mirror.close();
  });
});

describe('a mirror', () => {
  itUsual('fetches damaged files again', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(source(), out, many);
    await publish(out, files);
    const mirror = await openMirror(files);
    const expected = await rowsOf(await openIn(mirror));
    const damage = (path: string) => {
      const file = join(mirror.folder, path);
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(file, bytes);
    };
    damage(`${version}/segments/000001.arrow`);
    expect(await rowsOf(openPopulation(mirror.folder, { version, trusted: true }))).toEqual(expected);
    damage('directory.bytes');
    damage(`${version}/row-of.i32`);
    expect(() => openPopulation(mirror.folder, { version })).toThrow('must be fetched');
    const opened = await untilRead(() => openPopulation(mirror.folder, { version }));
    expect(opened.directory.find('user-55555')).toBe(55_555);
    mirror.close();
  });

  it.runIf(IS_LONG)('never exceeds its limit, and still reads all segments', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(source(), out, users(0, 6 * 65_536));
    await publish(out, files);
    const segment = statSync(join(out, version, 'segments/000000.arrow')).size;
    const rowOf = statSync(join(out, version, 'row-of.i32')).size;
    const limit = 4 * segment + rowOf;
    const mirror = await openMirror(files, undefined, limit);
    const release = await mirror.take(version);
    const held = await mirror.prefetch(version, 0, 6);
    expect(segmentsIn(mirror.folder, version)).toHaveLength(2);
    const there = openPopulation(mirror.folder, { version, trusted: true });
    expect(await rowsOf(there)).toEqual(await rowsOf(openPopulation(out)));
    const kept = segmentsIn(mirror.folder, version);
    expect(kept.length).toBeLessThanOrEqual(4);
    // what was prefetched was in use, so it is still there
    expect(kept.slice(0, 2)).toEqual(['segments/000000.arrow', 'segments/000001.arrow']);
    held();
    release();
    const small = await openMirror(files, undefined, 3 * segment);
    await expect(small.take(version)).rejects.toMatchObject({ code: 'invalid_argument' });
    for (const one of [mirror, small]) one.close();
  });

  it.runIf(IS_LONG)('is shared by the processes of a host, which keep what each other use', async () => {
    const { files, root } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(source(), out, users(0, 8 * 65_536));
    await publish(out, files);
    const limit =
      4 * statSync(join(out, version, 'segments/000000.arrow')).size + statSync(join(out, version, 'row-of.i32')).size;
    const one = await openMirror(files, undefined, limit);
    const two = await openMirror(new CountingFiles(root), one.folder, limit);
    const ends = [await one.take(version), await one.prefetch(version, 0, 2), await two.take(version)];
    await two.prefetch(version, 4, 6);
    for (const other of [6, 7]) (await two.prefetch(version, other, other + 1))();
    expect(segmentsIn(one.folder, version).slice(0, 2)).toEqual(['segments/000000.arrow', 'segments/000001.arrow']);
    // a process that has ended uses nothing
    for (const end of ends) end();
    one.close();
    for (const other of [2, 3]) (await two.prefetch(version, other, other + 1))();
    expect(segmentsIn(two.folder, version)).not.toContain('segments/000000.arrow');
    two.close();
  });

  itUsual('refuses a folder in which imports run', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    await importUsers(source(), out, USERS);
    await publish(out, files);
    await expect(Mirror.open({ files, folder: out, limitBytes: 1, now })).rejects.toThrow('versions of its own');
  });
});
