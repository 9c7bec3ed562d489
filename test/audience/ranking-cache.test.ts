/** The cache of open rankings: its limit holds, and held rankings stay usable. */
import { rmSync, truncateSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../src/audience/membership.ts';
import type { ReadRanking } from '../../src/audience/ranking.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import type { BlobReader } from '../../src/domain/ports/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { openFiles } from '../fixture/open-files.ts';
import { whole } from '../fixture/whole-audience.ts';
import { blobs } from './blobs.ts';

const root = temporaryFolder();
const folders = [0, 1, 2].map((i) => join(root, `ranking-${i}`));
for (const [i, folder] of folders.entries()) await writeRanking(blobs, folder, Float32Array.of(i / 4, 0.9));

/** Names of the rankings that this process has open. */
function open(): string[] {
  return [...new Set(openFiles(root).map((path) => relative(root, path).split('/')[0]!))].sort();
}

/** `blobs`, and the reads of scores that went through it. */
function countingBlobs(): { blobs: BlobReader; reads: () => number } {
  let count = 0;
  const counted: BlobReader = {
    has: (folder) => blobs.has(folder),
    read: (folder, file) => blobs.read(folder, file),
    async open(folder, file) {
      const blob = await blobs.open(folder, file);
      return {
        sizeBytes: blob.sizeBytes,
        close: () => blob.close(),
        read(target, position) {
          if (file === 'scores.f32') count += 1;
          return blob.read(target, position);
        },
      };
    },
  };
  return { blobs: counted, reads: () => count };
}

/** Opens a ranking if necessary, and returns it for tests of what happens to it afterwards. */
async function get(cache: RankingCache, folder: string, size?: number, users = 1): Promise<ReadRanking> {
  return await cache.use(folder, (ranking) => ranking, {
    audience: size === undefined ? undefined : whole(size),
    users,
  });
}

/** Enough uses for the members to be kept. */
const MANY = 2000;

describe('a ranking that is used often', () => {
  const member = (user: number) => ({
    rank: 2 - user,
    score: Math.fround([0.25, 0.9][user]!),
    percentile: [50, 100][user]!,
  });
  const lookUp = async (cache: RankingCache, folder: string, times = MANY, size = 2) => {
    for (let i = 0; i < times; i++)
      expect(
        await cache.use(folder, (ranking) => membershipOf(ranking, whole(size), 1), { audience: whole(size) }),
      ).toEqual(member(1));
  };

  it('is read from memory, with the same members', async () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 2, memoryBytes: 64 });
    expect(cache.kept(folders[1]!, whole(2))).toBe(null);
    await lookUp(cache, folders[1]!);
    const before = reads();
    expect(before).toBeLessThan(MANY);
    expect(cache.kept(folders[1]!, whole(2))).not.toBe(null);
    await lookUp(cache, folders[1]!);
    const ranking = await get(cache, folders[1]!, 2);
    expect([0, 1, 2, 99].map((user) => membershipOf(ranking, whole(2), user))).toEqual([
      member(0),
      member(1),
      null,
      null,
    ]);
    expect([...ranking.read(0, 2).scores]).toEqual([Math.fround(0.9), 0.25]);
    expect(reads()).toBe(before);
    cache.closeAll();
  });

  it('counts each user of a batch as a use', async () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 2, memoryBytes: 64 });
    for (let i = 0; i < 5; i++) await get(cache, folders[1]!, 2, 1000);
    const before = reads();
    await lookUp(cache, folders[1]!, 10);
    expect(reads()).toBe(before);
    cache.closeAll();
  });

  it('keeps the members of the size that is asked for now', async () => {
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 64 });
    await lookUp(cache, folders[1]!);
    const changes = cache.keptChanges;
    expect(membershipOf(await get(cache, folders[1]!, 1), whole(1), 0)).toBe(null);
    expect(cache.kept(folders[1]!, whole(2))).toBe(null);
    expect(cache.keptChanges).toBeGreaterThan(changes);
    await lookUp(cache, folders[1]!, MANY, 1);
    expect(cache.kept(folders[1]!, whole(1))?.members?.size).toBe(1);
    expect(membershipOf(await get(cache, folders[1]!), whole(2), 0)).toEqual(member(0));
    cache.closeAll();
  });

  it('gives up its memory to another only when it is no longer used', async () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 3, memoryBytes: 40 });
    const readsOf = async (folder: string) => {
      const before = reads();
      await lookUp(cache, folder, 10);
      return reads() - before;
    };
    await lookUp(cache, folders[1]!);
    for (let i = 0; i < MANY; i++) {
      await lookUp(cache, folders[1]!, 1);
      await get(cache, folders[2]!, 2);
    }
    const isKept = () => [1, 2].map((i) => cache.kept(folders[i]!, whole(2)) !== null);
    expect(isKept()).toEqual([true, false]);
    expect(await readsOf(folders[1]!)).toBe(0);
    for (let i = 0; i < 2 * MANY; i++) await get(cache, folders[2]!, 2);
    expect(isKept()).toEqual([false, true]);
    expect(await readsOf(folders[1]!)).toBeGreaterThan(0);
    cache.closeAll();
  });

  it('is read from its files if its members exceed the memory', async () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 1, memoryBytes: 7 });
    await lookUp(cache, folders[1]!);
    expect(reads()).toBeGreaterThanOrEqual(MANY);
    cache.closeAll();
  });

  it('is not affected by another whose files are damaged', async () => {
    const damaged = join(root, 'damaged');
    await writeRanking(blobs, damaged, Float32Array.of(0.5, 1));
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 64 });
    await get(cache, damaged, 2);
    truncateSync(join(damaged, 'order.u32'), 0);
    for (let i = 0; i < MANY; i++) await get(cache, damaged, 2);
    await lookUp(cache, folders[1]!);
    expect(cache.kept(damaged, whole(2))).toBe(null);
    expect(cache.kept(folders[1]!, whole(2))).not.toBe(null);
    await expect(async () =>
      cache.use(damaged, (ranking) => ranking.read(0, 1), { audience: whole(2) }),
    ).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });
});

describe('RankingCache', () => {
  it('keeps the most recently used open, up to its limit', async () => {
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 1024 });
    await get(cache, folders[0]!);
    await get(cache, folders[1]!);
    await get(cache, folders[0]!);
    await get(cache, folders[2]!);
    expect(open()).toEqual(['ranking-0', 'ranking-2']);
    cache.closeAll();
    expect(open()).toEqual([]);
  });

  it('reopens an evicted ranking, and refuses to read through the evicted one', async () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const early = await get(cache, folders[1]!);
    await get(cache, folders[2]!);
    expect(open()).toEqual(['ranking-2']);
    expect(() => early.scoreOf(0)).toThrow('is closed');
    expect([...(await get(cache, folders[1]!)).read(0, 2).userNumbers]).toEqual([1, 0]);
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('throws storage_failed for a folder that is gone', async () => {
    const gone = join(root, 'gone');
    await writeRanking(blobs, gone, Float32Array.of(1));
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    await get(cache, gone);
    rmSync(gone, { recursive: true });
    expect((await get(cache, gone)).rankOf(0)).toBe(1);
    await get(cache, folders[0]!);
    await expect(get(cache, gone)).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
    await expect(cache.hold(gone, () => {})).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });

  it('holds a ranking open beyond its limit, even if the folder is deleted and the cache makes room', async () => {
    const doomed = join(root, 'doomed 1');
    await writeRanking(blobs, doomed, Float32Array.of(0.5, 1, Number.NaN));
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const held = await cache.hold(doomed, (ranking) => ranking);
    const again = await cache.hold(doomed, (ranking) => ranking);
    await get(cache, folders[0]!);
    rmSync(doomed, { recursive: true });
    held.close();
    held.close();
    expect([...again.opened.read(0, 9).userNumbers]).toEqual([1, 0]);
    expect(again.opened.countFrom(0.75)).toBe(1);
    expect(open()).toEqual(['doomed 1', 'ranking-0']);
    again.close();
    expect(open()).toEqual(['ranking-0']);
    expect(() => again.opened.rankOf(0)).toThrow('is closed');
    cache.closeAll();
  });

  it('shares a held ranking with later holders, and keeps it open when nobody holds it any more', async () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    (await cache.hold(folders[0]!, () => {})).close();
    expect(open()).toEqual(['ranking-0']);
    expect((await get(cache, folders[0]!)).candidates).toBe(2);
    cache.closeAll();
  });

  it('closes held rankings too in closeAll', async () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const held = await cache.hold(folders[0]!, (ranking) => ranking);
    await get(cache, folders[1]!);
    cache.closeAll();
    expect(open()).toEqual([]);
    held.close();
  });

  it('closes deleted rankings, unless they are held', async () => {
    const cache = new RankingCache(blobs, { openRankings: 3, memoryBytes: 1024 });
    const doomed = ['doomed 1', 'doomed 2'].map((name) => join(root, name));
    for (const folder of doomed) await writeRanking(blobs, folder, Float32Array.of(0.5, 1));
    await get(cache, doomed[0]!);
    const held = await cache.hold(doomed[1]!, (ranking) => ranking);
    await get(cache, folders[1]!);
    for (const folder of doomed) rmSync(folder, { recursive: true });
    expect(open()).toEqual(['doomed 1', 'doomed 2', 'ranking-1']);
    await cache.forgetDeleted();
    expect(open()).toEqual(['doomed 2', 'ranking-1']);
    expect(held.opened.rankOf(1)).toBe(1);
    held.close();
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('refuses to read after closeAll', async () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const ranking = await get(cache, folders[0]!);
    cache.closeAll();
    expect(() => ranking.rankOf(0)).toThrow('is closed');
    await expect(get(cache, folders[0]!)).rejects.toThrow('cache is closed');
  });
});
