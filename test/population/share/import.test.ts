/** Imports straight into the published population, compared with imports into a folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eraseUsers } from '../../../src/population/erase.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { type Mirror, prunePublished } from '../../../src/population/share.ts';
import { asWriter } from '../../../src/population/versions/lock.ts';
import { readManifest } from '../../../src/population/versions/manifest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { importUsers, type TestUser, USERS } from '../support.ts';
import {
  bytesIn,
  importInto,
  namesIn,
  newStorage,
  now,
  openIn,
  openMirror,
  publish,
  rowsOf,
  textIn,
  users,
} from './shared-support.ts';

const newFolder = (name: string) => join(temporaryFolder(), name);
/** Two segments, of which the last is not full. */
const MANY = 66_000;
const many = users(0, MANY);
const segmentsOf = (names: readonly string[]) => names.filter((name) => name.includes('/files/'));

/** What a version says of all its files, and the tables and rows of a mirror, which are compared with a folder. */
async function expectSame(mirror: Mirror, folder: string, version: string): Promise<void> {
  await mirror.sync();
  expect(readManifest(mirror.folder, version)).toEqual(readManifest(folder, version));
  const [here, there] = [openPopulation(folder, { version }), await openIn(mirror, version)];
  expect(there.rowOf).toEqual(here.rowOf);
  expect(await rowsOf(there)).toEqual(await rowsOf(here));
}

describe('an import into the published population', () => {
  itUsual('publishes the bytes that a folder would get, version after version', async () => {
    const { files } = newStorage();
    const [out, source] = [newFolder('population'), newFolder('data')];
    const mirror = await openMirror(files);
    const steps: readonly (readonly TestUser[])[] = [
      many,
      [...users(10, 30_000, 'Oslo'), ...users(MANY, MANY + 10, 'Genève')],
      users(0, 20),
    ];
    for (const step of steps) {
      const { version, ...local } = await importUsers(source, out, step);
      const { result } = await importInto(files, step);
      expect(result).toEqual({ version, ...local });
      await mirror.sync();
      expect(mirror.newest).toBe(version);
      await expectSame(mirror, out, version);
    }
    expect(mirror.index.incoming).toEqual([]);
    expect(mirror.index.versions).toHaveLength(3);
    mirror.close();
  });

  itUsual('keeps no segment on this machine', async () => {
    const { files } = newStorage();
    const out = newFolder('population');
    const { version } = await importUsers(newFolder('data'), out, many);
    const folder = newFolder('mirror');
    let most = 0;
    files.before = () => {
      most = Math.max(most, bytesIn(folder));
    };
    const { result, stored } = await importInto(files, many, { folder });
    expect(result.version).toBe(version);
    expect(stored).toMatchObject({ files: 2 + 1, known: 0 });
    // the index that the mirror has applied, and locks
    expect(most).toBeLessThan(20_000);
    expect(bytesIn(out)).toBeGreaterThan(2_000_000);
  });

  itUsual('leaves out users who were erased on any host, and overwrites their ids', async () => {
    const { files } = newStorage();
    const [out, source] = [newFolder('population'), newFolder('data')];
    await importUsers(source, out, users(0, 30));
    await publish(out, files);
    const mirror = await openMirror(files);
    await mirror.erase(['user-7', 'user-35'], await openIn(mirror));
    const { result } = await importInto(files, users(0, 40));
    expect(result).toMatchObject({ erased: 2, users: 38, newUsers: 9 });
    await mirror.sync();
    const there = await openIn(mirror);
    expect(there.directory.find('user-7')).toBe(-1);
    expect(there.directory.find('user-35')).toBe(-1);
    expect(readFileSync(join(mirror.folder, 'directory.bytes'), 'latin1')).not.toMatch(/user-(7|35)(?!\d)/);
    // a folder comes to the same version
    await eraseUsers(out, ['user-7', 'user-35'], openPopulation(out));
    expect(await importUsers(source, out, users(0, 40))).toEqual(result);
    // readmitted users are new users
    const readmitted = await importInto(files, users(0, 40), { readmitErased: true });
    expect(readmitted.result).toMatchObject({ erased: 0, users: 40, newUsers: 2 });
    await mirror.sync();
    expect((await openIn(mirror)).directory.find('user-35')).toBe(40);
    mirror.close();
  });

  itUsual('does not bring back users who are erased while it runs', async () => {
    const { files, root } = newStorage();
    await importInto(files, users(0, 30));
    const mirror = await openMirror(files);
    const here = await openIn(mirror);
    let isErased = false;
    files.before = async (name) => {
      if (isErased || !name.includes('/files/')) return;
      isErased = true;
      await mirror.erase(['user-7', 'user-35', 'nobody'], here);
    };
    const { result } = await importInto(files, users(0, 40));
    files.before = () => {};
    await mirror.sync();
    const there = await openIn(mirror);
    expect(there.version).toBe(result.version);
    expect(there.directory.isErased(35)).toBe(true);
    for (const id of ['user-7', 'user-35']) expect(there.directory.find(id)).toBe(-1);
    expect(there.directory.find('user-39')).toBe(39);
    expect(textIn(root)).not.toMatch(/user-(7|35)(?!\d)/);
    expect(textIn(root)).toMatch(/user-36/);
    // the next import leaves both out
    expect((await importInto(files, users(0, 40))).result).toMatchObject({ erased: 2, users: 38 });
    mirror.close();
  });

  itUsual('says that another host was faster, and publishes nothing', async () => {
    const { files } = newStorage();
    await importInto(files, USERS);
    const sets = [users(0, 500), users(500, 900)];
    const ends = await Promise.allSettled(sets.map((one) => importInto(files, one)));
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(refused).toMatchObject([
      { code: 'unavailable', message: expect.stringContaining('another host has published') },
    ]);
    const mirror = await openMirror(files);
    expect(mirror.index.versions).toHaveLength(2);
    expect(mirror.index.incoming).toEqual([]);
    expect([500, 400]).toContain((await rowsOf(await openIn(mirror))).length);
    // two hosts with the same users both succeed
    const both = await Promise.all([importInto(files, users(0, 901)), importInto(files, users(0, 901))]);
    expect(both[0]!.result.version).toBe(both[1]!.result.version);
    await mirror.sync();
    expect(mirror.index.versions).toHaveLength(3);
    mirror.close();
  });

  it.runIf(IS_LONG)('is refused while another import on this machine runs', async () => {
    const { files } = newStorage();
    const mirror = await openMirror(files);
    await asWriter(mirror.folder, () =>
      expect(importInto(files, USERS, { folder: mirror.folder })).rejects.toThrow('another import'),
    );
    expect((await importInto(files, USERS, { folder: mirror.folder })).result.users).toBe(USERS.length);
    mirror.close();
  });

  itUsual('stores nothing again that an interrupted import has stored', async () => {
    const { files } = newStorage();
    const out = newFolder('population');
    await importUsers(newFolder('data'), out, many);
    files.before = (name) => {
      if (segmentsOf(files.puts).length === 1 && name.includes('/files/')) throw new Error('the host is gone');
    };
    await expect(importInto(files, many)).rejects.toThrow('the host is gone');
    files.before = () => {};
    const stored = new Set(segmentsOf(files.puts));
    files.puts.length = 0;
    const { result, stored: report } = await importInto(files, many);
    expect(segmentsOf(files.puts).filter((name) => stored.has(name))).toEqual([]);
    expect(report).toMatchObject({ files: 2, known: 1 });
    const mirror = await openMirror(files);
    await expectSame(mirror, out, result.version);
    mirror.close();
  });

  itUsual('leaves nothing behind if its users are refused, except what a sweep removes', async () => {
    const { files, root } = newStorage();
    await importInto(files, USERS);
    const before = namesIn(root);
    await expect(importInto(files, [...users(0, 140_000), { user_id: 7.5, city: 'Oslo', likes: [] }])).rejects.toThrow(
      'users.ndjson',
    );
    const mirror = await openMirror(files);
    expect(mirror.index).toMatchObject({ incoming: [], versions: [{}] });
    expect(namesIn(root).length).toBe(before.length + 2);
    await prunePublished(files, { keep: 1, served: [], now });
    expect(namesIn(root)).toEqual(before);
    mirror.close();
  });

  it.runIf(IS_LONG)('is not swept while it runs, however long', async () => {
    const { files } = newStorage();
    let [clock, sweeps] = [now(), 0];
    files.before = async (name) => {
      if (!name.includes('/files/') || sweeps === 3) return;
      clock += 13 * 3600_000;
      sweeps += 1;
      await prunePublished(files, { keep: 1, served: [], now: () => clock });
    };
    const { result } = await importInto(files, users(0, 3 * 65_536), { now: () => clock });
    files.before = () => {};
    expect(sweeps).toBe(3);
    const mirror = await openMirror(files);
    expect((await rowsOf(await openIn(mirror, result.version))).length).toBe(3 * 65_536);
    mirror.close();
  });
});

describe('nodes and engines', () => {
  itUsual('see nothing of an import before it is published, and serve what they have', async () => {
    const { files } = newStorage();
    const first = (await importInto(files, users(0, 100))).result;
    const mirror = await openMirror(files);
    const served = await openIn(mirror);
    let looks = 0;
    files.before = async (name) => {
      if (!name.includes('/files/')) return;
      looks += 1;
      await mirror.sync();
      expect(mirror.newest).toBe(first.version);
      expect(served.directory.find('user-99')).toBe(99);
    };
    const { result } = await importInto(files, many);
    files.before = () => {};
    expect(looks).toBeGreaterThan(3);
    await mirror.sync();
    expect(mirror.newest).toBe(result.version);
    expect((await rowsOf(served)).length).toBe(100);
    mirror.close();
  });
});
