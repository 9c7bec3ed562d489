/** Erasures in a population that several hosts share. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eraseUsers } from '../../../src/population/erase.ts';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { FEATURES, importUsers, writeDataSet } from '../support.ts';
import { newStorage, openIn, openMirror, publish, textIn, users } from './shared-support.ts';

const newFolder = (name: string) => join(temporaryFolder(), name);

/** A published population of 30 users, the folder that it comes from, and two mirrors. */
async function shared() {
  const storage = newStorage();
  const [source, out] = [newFolder('data'), newFolder('population')];
  const { version } = await importUsers(source, out, users(0, 30));
  await publish(out, storage.files);
  const [one, two] = [await openMirror(storage.files), await openMirror(storage.files)];
  return {
    ...storage,
    source,
    out,
    version,
    one,
    two,
    close: () => [one, two].forEach((mirror) => void mirror.close()),
  };
}

const hasId = (root: string, id: string) => textIn(root).includes(id);

describe('an erasure on one host', () => {
  it('hides the user on all hosts, in versions that are open', async () => {
    const { one, two, close } = await shared();
    const [here, there] = [await openIn(one), await openIn(two)];
    const number = here.directory.find('user-7');
    expect(await one.erase(['user-7', 'unknown'], here)).toEqual({ erased: 2, known: 1 });
    expect(here.directory.find('user-7')).toBe(-1);
    await two.sync();
    there.erasures.refresh();
    expect(there.directory.find('user-7')).toBe(-1);
    expect(there.directory.isErased(number)).toBe(true);
    expect(there.erasures.hasId('unknown')).toBe(true);
    // both hosts hash with one key, which others cannot read
    expect(await two.erase(['user-7'], there)).toEqual({ erased: 0, known: 0 });
    expect(statSync(join(two.folder, 'erased.key')).mode & 0o777).toBe(0o600);
    close();
  });

  it('is applied by a mirror that follows the index within a second or two', async () => {
    const { one, two, close } = await shared();
    const [here, there] = [await openIn(one), await openIn(two)];
    two.follow();
    await one.erase(['user-7'], here);
    await expect
      .poll(
        () => {
          there.erasures.refresh();
          return there.directory.find('user-7');
        },
        { timeout: 5_000 },
      )
      .toBe(-1);
    close();
  });

  it('is noticed by another process of a host in which one follows the index', async () => {
    const { one, two, files, close } = await shared();
    const [here, there] = [await openIn(one), await openIn(two)];
    const beside = await openMirror(files, two.folder);
    const noticed: number[] = [];
    beside.onChanged(({ erasures }) => noticed.push(erasures.count));
    beside.followFolder();
    two.follow();
    await one.erase(['user-7'], here);
    await expect.poll(() => noticed, { timeout: 5_000 }).toEqual([1]);
    there.erasures.refresh();
    expect(there.directory.find('user-7')).toBe(-1);
    beside.close();
    close();
  });

  it('is kept when many hosts erase at once', async () => {
    const { files, one, two, close } = await shared();
    const [here, there] = [await openIn(one), await openIn(two)];
    const ids = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    await Promise.all(ids.map((id, i) => (i % 2 === 0 ? one.erase([id], here) : two.erase([id], there))));
    const third = await openMirror(files);
    const opened = await openIn(third);
    expect(ids.filter((id) => opened.directory.find(id) >= 0)).toEqual([]);
    expect(opened.directory.find('user-20')).toBe(20);
    third.close();
    close();
  });

  it('is kept when there are more than the index holds', async () => {
    const { files, root, one, close } = await shared();
    const here = await openIn(one);
    const ids = (from: number) => Array.from({ length: 700 }, (_, i) => `gone-${from + i}`);
    for (const from of [0, 700, 1_400]) await one.erase(ids(from), here);
    expect(readdirSync(join(root, 'population/erasures'))).toHaveLength(1);
    const third = await openMirror(files);
    const { erasures } = await openIn(third);
    expect(erasures.count).toBe(2_100);
    for (const id of ['gone-0', 'gone-1399', 'gone-2099']) expect(erasures.hasId(id)).toBe(true);
    third.close();
    close();
  });

  it('overwrites the id in what is stored and in all mirrors', async () => {
    const { root, one, two, version, close } = await shared();
    const here = await openIn(one);
    await one.erase(['user-7'], here);
    expect(hasId(root, 'user-7')).toBe(true);
    expect(await one.redact()).toBe(1);
    expect(hasId(root, 'user-7')).toBe(false);
    expect(hasId(root, 'user-8')).toBe(true);
    expect(await one.redact()).toBe(0);
    await two.sync();
    for (const mirror of [one, two]) {
      expect(hasId(mirror.folder, 'user-7')).toBe(false);
      // the version is as intact as before
      const opened = await openIn(mirror, version);
      expect(opened.directory.find('user-8')).toBe(8);
      expect(opened.directory.find('user-7')).toBe(-1);
    }
    close();
  });

  it('deletes the old parts later if the host is killed before', async () => {
    const { root, files, one, two, close } = await shared();
    await one.erase(['user-7'], await openIn(one));
    const { deleteFile } = files;
    files.deleteFile = () => Promise.reject(new Error('killed'));
    await expect(one.redact()).rejects.toThrow('killed');
    files.deleteFile = deleteFile;
    expect(hasId(root, 'user-7')).toBe(true);
    await two.redact();
    expect(hasId(root, 'user-7')).toBe(false);
    close();
  });
});

describe('a folder that is published', () => {
  it('brings its erasures along, also those since it was published', async () => {
    const { files, source, out, two, close } = await shared();
    await eraseUsers(out, ['user-3', 'never'], openPopulation(out));
    await publish(out, files);
    await eraseUsers(out, ['user-4'], openPopulation(out));
    writeDataSet(source, users(0, 30));
    await importPopulation({ source, features: FEATURES, out, readmitErased: true });
    await publish(out, files);
    await two.sync();
    const there = await openIn(two);
    expect(['user-3', 'user-4', 'user-5'].map((id) => there.directory.find(id))).toEqual([30, 31, 5]);
    expect(there.erasures.hasId('never')).toBe(true);
    expect(there.erasures.count).toBe(3);
    close();
  });

  it('is refused if users were erased in the cluster whom the folder would bring back', async () => {
    const { files, out, one, close } = await shared();
    await one.erase(['user-7'], await openIn(one));
    await expect(publish(out, files)).rejects.toThrow('users were erased in the cluster');
    await eraseUsers(out, ['user-2'], openPopulation(out));
    await expect(publish(out, files)).rejects.toThrow('differs from the key of the published population');
    close();
  });

  it('is refused if a user is erased in the cluster meanwhile', async () => {
    const { root, files, source, out, one, close } = await shared();
    const here = await openIn(one);
    await importUsers(source, out, users(0, 40));
    let isErased = false;
    files.before = async (name) => {
      if (isErased || !name.includes('/files/')) return;
      isErased = true;
      await one.erase(['user-35'], here);
    };
    await expect(publish(out, files)).rejects.toThrow('users were erased in the cluster');
    await one.sync();
    expect(one.index.versions).toHaveLength(1);
    expect(hasId(root, 'user-3')).toBe(true);
    close();
  });
});
