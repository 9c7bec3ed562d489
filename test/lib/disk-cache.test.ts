/** A folder of files within a limit. */
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskCache } from '../../src/lib/files/disk-cache.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const NOW = 1_700_000_000_000;

/** A cache of files of 10 bytes. `ranks` are those of files other than 0. */
function newCache(limitBytes: number, ranks: Readonly<Record<string, number | null>> = {}) {
  const folder = temporaryFolder();
  let now = NOW;
  const names = () => readdirSync(folder).filter((name) => name !== 'arriving');
  const list = async () =>
    names().map((name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = statSync(path);
      return { paths: [path], sizeBytes: size, usedAt: mtimeMs, rank: name in ranks ? ranks[name]! : 0 };
    });
  const cache = new DiskCache({ folder, limitBytes, list, now: () => now });
  const use = (name: string) => {
    now += 1_000;
    cache.touch(join(folder, name));
  };
  const add = (name: string, fetch = () => {}) =>
    cache.withRoom(10, async () => {
      fetch();
      writeFileSync(join(folder, name), '0123456789');
      use(name);
    });
  return { cache, folder, add, names, use };
}

describe('a disk cache', () => {
  it('removes files that were not used for the longest time until a tenth of the limit is free', async () => {
    const { cache, add, names, use } = newCache(50);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await add(name);
    use('a');
    await add('f');
    expect(names()).toEqual(['a', 'd', 'e', 'f']);
    expect(cache.counts).toEqual({ evictions: 2, evictedBytes: 20, storedBytes: 40 });
  });

  it('removes files of a low rank first, and exceeds the limit rather than remove files in use', async () => {
    const { add, names } = newCache(20, { a: null, b: null, c: 1 });
    for (const name of ['a', 'c', 'b', 'd']) await add(name);
    expect(names()).toEqual(['a', 'b', 'd']);
  });

  it('has room for files that arrive at the same time', async () => {
    const { add, names } = newCache(40);
    for (const name of ['a', 'b', 'c', 'd']) await add(name);
    await Promise.all([add('e'), add('f')]);
    expect(names().length).toBeLessThanOrEqual(4);
    expect(names()).toEqual(expect.arrayContaining(['e', 'f']));
  });

  it('removes what it can, and tries again, if the disk is full', async () => {
    const { add, names } = newCache(1_000, { a: null });
    for (const name of ['a', 'b']) await add(name);
    let isFull = true;
    await add('c', () => {
      if (!isFull) return;
      isFull = false;
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    });
    expect(names()).toEqual(['a', 'c']);
  });

  it('removes what a killed process was fetching for more than an hour', async () => {
    const { cache, folder } = newCache(20);
    const arriving = join(folder, 'arriving');
    mkdirSync(arriving);
    for (const [name, ageMs] of [
      ['old', 3_600_001],
      ['young', 3_599_000],
    ] as const) {
      writeFileSync(join(arriving, name), 'abc');
      utimesSync(join(arriving, name), (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
    }
    await cache.removeLeft();
    expect(readdirSync(arriving)).toEqual(['young']);
  });
});
