/** The cache of open rankings: its limit holds, and held rankings stay usable. */
import { readdirSync, readlinkSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../src/audience/membership.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import type { BlobReader } from '../../src/domain/ports/local-blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { blobs } from './blobs.ts';

const root = temporaryFolder();
const folders = [0, 1, 2].map((i) => {
  const folder = join(root, `ranking-${i}`);
  writeRanking(blobs, folder, Float32Array.of(i / 4, 0.9));
  return folder;
});

/** Names of the rankings that this process has open. */
function open(): string[] {
  const paths = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return ''; // the descriptor of this very listing
    }
  });
  return ['doomed 1', 'doomed 2', 'ranking-0', 'ranking-1', 'ranking-2'].filter((name) =>
    paths.some((path) => path.includes(name)),
  );
}

/** `blobs`, and the reads of scores that went through it. */
function countingBlobs(): { blobs: BlobReader; reads: () => number } {
  let count = 0;
  const counted: BlobReader = {
    has: (folder) => blobs.has(folder),
    read: (folder, file) => blobs.read(folder, file),
    open(folder, file) {
      const blob = blobs.open(folder, file);
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

/** Enough uses for the members to be kept. */
const MANY = 2000;

describe('a ranking that is used often', () => {
  const member = (user: number) => ({
    rank: 2 - user,
    score: Math.fround([0.25, 0.9][user]!),
    percentile: [50, 100][user]!,
  });
  const lookUp = (cache: RankingCache, folder: string, times = MANY, size = 2) => {
    for (let i = 0; i < times; i++) expect(membershipOf(cache.get(folder, size), size, 1)).toEqual(member(1));
  };

  it('is read from memory, with the same members', () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 2, memoryBytes: 64 });
    expect(cache.kept(folders[1]!, 2)).toBe(null);
    lookUp(cache, folders[1]!);
    const before = reads();
    expect(before).toBeLessThan(MANY);
    expect(cache.kept(folders[1]!, 2)).not.toBe(null);
    lookUp(cache, folders[1]!);
    const ranking = cache.get(folders[1]!, 2);
    expect([0, 1, 2, 99].map((user) => membershipOf(ranking, 2, user))).toEqual([member(0), member(1), null, null]);
    expect([...ranking.read(0, 2).scores]).toEqual([Math.fround(0.9), 0.25]);
    expect(reads()).toBe(before);
    cache.closeAll();
  });

  it('counts each user of a batch as a use', () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 2, memoryBytes: 64 });
    for (let i = 0; i < 5; i++) cache.get(folders[1]!, 2, 1000);
    const before = reads();
    lookUp(cache, folders[1]!, 10);
    expect(reads()).toBe(before);
    cache.closeAll();
  });

  it('keeps the members of the size that is asked for now', () => {
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 64 });
    lookUp(cache, folders[1]!);
    const changes = cache.keptChanges;
    expect(membershipOf(cache.get(folders[1]!, 1), 1, 0)).toBe(null);
    expect(cache.kept(folders[1]!, 2)).toBe(null);
    expect(cache.keptChanges).toBeGreaterThan(changes);
    lookUp(cache, folders[1]!, MANY, 1);
    expect(cache.kept(folders[1]!, 1)?.members?.size).toBe(1);
    expect(membershipOf(cache.get(folders[1]!), 2, 0)).toEqual(member(0));
    cache.closeAll();
  });

  it('gives up its memory to another only when it is no longer used', () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 3, memoryBytes: 40 });
    const readsOf = (folder: string) => {
      const before = reads();
      lookUp(cache, folder, 10);
      return reads() - before;
    };
    lookUp(cache, folders[1]!);
    for (let i = 0; i < MANY; i++) {
      lookUp(cache, folders[1]!, 1);
      cache.get(folders[2]!, 2);
    }
    const isKept = () => [1, 2].map((i) => cache.kept(folders[i]!, 2) !== null);
    expect(isKept()).toEqual([true, false]);
    expect(readsOf(folders[1]!)).toBe(0);
    for (let i = 0; i < 2 * MANY; i++) cache.get(folders[2]!, 2);
    expect(isKept()).toEqual([false, true]);
    expect(readsOf(folders[1]!)).toBeGreaterThan(0);
    cache.closeAll();
  });

  it('is read from its files if its members exceed the memory', () => {
    const { blobs: counted, reads } = countingBlobs();
    const cache = new RankingCache(counted, { openRankings: 1, memoryBytes: 7 });
    lookUp(cache, folders[1]!);
    expect(reads()).toBeGreaterThanOrEqual(MANY);
    cache.closeAll();
  });

  it('is not affected by another whose files are damaged', () => {
    const damaged = join(root, 'damaged');
    writeRanking(blobs, damaged, Float32Array.of(0.5, 1));
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 64 });
    cache.get(damaged, 2);
    truncateSync(join(damaged, 'order.u32'), 0);
    for (let i = 0; i < MANY; i++) cache.get(damaged, 2);
    lookUp(cache, folders[1]!);
    expect(cache.kept(damaged, 2)).toBe(null);
    expect(cache.kept(folders[1]!, 2)).not.toBe(null);
    expect(() => cache.get(damaged, 2).read(0, 1)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });
});

describe('RankingCache', () => {
  it('keeps the most recently used open, up to its limit', () => {
    const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 1024 });
    cache.get(folders[0]!);
    cache.get(folders[1]!);
    cache.get(folders[0]!);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-0', 'ranking-2']);
    cache.closeAll();
    expect(open()).toEqual([]);
  });

  it('reopens an evicted ranking, and refuses to read through the evicted one', () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const early = cache.get(folders[1]!);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-2']);
    expect(() => early.scoreOf(0)).toThrow('is closed');
    expect([...cache.get(folders[1]!).read(0, 2).userNumbers]).toEqual([1, 0]);
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('throws storage_failed for a folder that is gone', () => {
    const gone = join(root, 'gone');
    writeRanking(blobs, gone, Float32Array.of(1));
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    cache.get(gone);
    rmSync(gone, { recursive: true });
    expect(cache.get(gone).rankOf(0)).toBe(1);
    cache.get(folders[0]!);
    expect(() => cache.get(gone)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(() => cache.hold(gone)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });

  it('holds a ranking open beyond its limit, even if the folder is deleted and the cache makes room', () => {
    const doomed = join(root, 'doomed 1');
    writeRanking(blobs, doomed, Float32Array.of(0.5, 1, Number.NaN));
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const held = cache.hold(doomed);
    const again = cache.hold(doomed);
    cache.get(folders[0]!);
    rmSync(doomed, { recursive: true });
    held.close();
    held.close();
    expect([...again.ranking.read(0, 9).userNumbers]).toEqual([1, 0]);
    expect(again.ranking.countFrom(0.75)).toBe(1);
    expect(open()).toEqual(['doomed 1', 'ranking-0']);
    again.close();
    expect(open()).toEqual(['ranking-0']);
    expect(() => again.ranking.rankOf(0)).toThrow('is closed');
    cache.closeAll();
  });

  it('shares a held ranking with later holders, and keeps it open when nobody holds it any more', () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    cache.hold(folders[0]!).close();
    expect(open()).toEqual(['ranking-0']);
    expect(cache.get(folders[0]!).candidates).toBe(2);
    cache.closeAll();
  });

  it('closes held rankings too in closeAll', () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const held = cache.hold(folders[0]!);
    cache.get(folders[1]!);
    cache.closeAll();
    expect(open()).toEqual([]);
    held.close();
  });

  it('closes deleted rankings, unless they are held', () => {
    const cache = new RankingCache(blobs, { openRankings: 3, memoryBytes: 1024 });
    const doomed = ['doomed 1', 'doomed 2'].map((name) => join(root, name));
    for (const folder of doomed) writeRanking(blobs, folder, Float32Array.of(0.5, 1));
    cache.get(doomed[0]!);
    const held = cache.hold(doomed[1]!);
    cache.get(folders[1]!);
    for (const folder of doomed) rmSync(folder, { recursive: true });
    expect(open()).toEqual(['doomed 1', 'doomed 2', 'ranking-1']);
    cache.forgetDeleted();
    expect(open()).toEqual(['doomed 2', 'ranking-1']);
    expect(held.ranking.rankOf(1)).toBe(1);
    held.close();
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('refuses to read after closeAll', () => {
    const cache = new RankingCache(blobs, { openRankings: 1, memoryBytes: 1024 });
    const ranking = cache.get(folders[0]!);
    cache.closeAll();
    expect(() => ranking.rankOf(0)).toThrow('is closed');
    expect(() => cache.get(folders[0]!)).toThrow('cache is closed');
  });
});
