/** Erasures in a population that several hosts share. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eraseUsers } from '../../../src/population/erase.ts';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { pullPopulation } from '../../../src/population/share.ts';
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

describe('a version that is published after an erasure', () => {
  it('does not bring the user back, although the folder knew nothing of the erasure', async () => {
    const { root, files, source, out, one, two, close } = await shared();
    const here = await openIn(one);
    // one user is known, and one is not yet in any version
    await one.erase(['user-7', 'user-35'], here);
    const { version } = await importUsers(source, out, users(0, 40));
    expect(openPopulation(out).directory.find('user-35')).toBe(35);
    await publish(out, files);
    expect(hasId(root, 'user-7')).toBe(false);
    expect(hasId(root, 'user-35')).toBe(false);
    await two.sync();
    const there = await openIn(two, version);
    expect(there.directory.find('user-7')).toBe(-1);
    expect(there.directory.find('user-35')).toBe(-1);
    expect(there.directory.isErased(35)).toBe(true);
    expect(there.directory.find('user-36')).toBe(36);
    // the folder itself hides them too, and the next import leaves them out
    expect(openPopulation(out).directory.find('user-35')).toBe(-1);
    const next = await importUsers(source, out, users(0, 41));
    expect(next.erased).toBe(2);
    close();
  });

  it('does not bring the user back if the user is erased while the version is published', async () => {
    const { root, files, source, out, one, two, close } = await shared();
    const here = await openIn(one);
    const { version } = await importUsers(source, out, users(0, 40));
    let isErased = false;
    files.before = async (name) => {
      if (isErased || !name.includes('/files/')) return;
      isErased = true;
      await one.erase(['user-35'], here);
    };
    await publish(out, files);
    expect(isErased).toBe(true);
    await two.sync();
    const there = await openIn(two, version);
    expect(there.directory.find('user-35')).toBe(-1);
    expect(there.directory.isErased(35)).toBe(true);
    expect(hasId(root, 'user-35')).toBe(false);
    close();
  });

  it('has the erasures that were recorded in its folder', async () => {
    const { files, out, two, close } = await shared();
    await eraseUsers(out, ['user-3', 'never'], openPopulation(out));
    await publish(out, files);
    await two.sync();
    const there = await openIn(two);
    expect(there.directory.find('user-3')).toBe(-1);
    expect(there.erasures.hasId('never')).toBe(true);
    close();
  });

  it('readmits users under new numbers, unless they are erased again meanwhile', async () => {
    const { files, source, out, one, two, close } = await shared();
    const here = await openIn(one);
    await one.erase(['user-3', 'user-4'], here);
    await publish(out, files);
    writeDataSet(source, users(0, 30));
    await importPopulation({ source, features: FEATURES, out, readmitErased: true });
    // this host knows nothing of the import
    await one.erase(['user-4'], here);
    await publish(out, files);
    await two.sync();
    const there = await openIn(two);
    expect(there.directory.find('user-3')).toBe(30);
    expect(there.directory.find('user-4')).toBe(-1);
    expect(there.directory.isErased(31)).toBe(true);
    close();
  });
});

describe('a folder that others have published after', () => {
  it('erases users whose numbers it gets when it pulls', async () => {
    const { files, source, out, one, two, close } = await shared();
    const other = newFolder('other');
    await pullPopulation(files, other, null);
    await importUsers(source, out, users(0, 40));
    await publish(out, files);
    await eraseUsers(other, ['user-35'], openPopulation(other));
    await pullPopulation(files, other, null);
    expect(openPopulation(other).directory.find('user-35')).toBe(-1);
    for (const mirror of [one, two]) {
      await mirror.sync();
      expect((await openIn(mirror)).directory.find('user-35')).toBe(-1);
    }
    close();
  });

  it.each(['published', 'pulled'])(
    'has the key of the hosts since it was %s, also if they erase first',
    async (how) => {
      const { files, out, one, two, close } = await shared();
      const folder = how === 'published' ? out : newFolder('other');
      if (how === 'pulled') await pullPopulation(files, folder, null);
      await one.erase(['user-1'], await openIn(one));
      await eraseUsers(folder, ['user-2'], openPopulation(folder));
      await publish(folder, files);
      await two.sync();
      const { directory } = await openIn(two);
      expect(['user-1', 'user-2', 'user-3'].map((id) => directory.find(id) >= 0)).toEqual([false, false, true]);
      close();
    },
  );

  it('is refused if its erasures have another key', async () => {
    const { files, source, one, close } = await shared();
    await one.erase(['user-1'], await openIn(one));
    const other = newFolder('other');
    await importUsers(source, other, users(0, 30));
    await eraseUsers(other, ['user-2'], openPopulation(other));
    await expect(publish(other, files)).rejects.toThrow('differs from the key of the published population');
    close();
  });
});
