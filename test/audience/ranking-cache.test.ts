/** The cache of open rankings: its limit holds, and what it gave out stays usable. */
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
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

describe('RankingCache', () => {
  it('keeps the most recently used open, up to its limit', () => {
    const cache = new RankingCache(blobs, { openRankings: 2 });
    cache.get(folders[0]!);
    cache.get(folders[1]!);
    cache.get(folders[0]!);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-0', 'ranking-2']);
    cache.closeAll();
    expect(open()).toEqual([]);
  });

  it('opens again what had to make room, and refuses to read through what was given before', () => {
    const cache = new RankingCache(blobs, { openRankings: 1 });
    const early = cache.get(folders[1]!);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-2']);
    expect(() => early.scoreOf(0)).toThrow('is closed');
    expect([...cache.get(folders[1]!).read(0, 2).userNumbers]).toEqual([1, 0]);
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('says storage_failed for a folder that is gone', () => {
    const gone = join(root, 'gone');
    writeRanking(blobs, gone, Float32Array.of(1));
    const cache = new RankingCache(blobs, { openRankings: 1 });
    cache.get(gone);
    rmSync(gone, { recursive: true });
    expect(cache.get(gone).rankOf(0)).toBe(1);
    cache.get(folders[0]!);
    expect(() => cache.get(gone)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(() => cache.hold(gone)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });

  it('holds a ranking open beside its limit, though the folder is deleted and the cache makes room', () => {
    const doomed = join(root, 'doomed 1');
    writeRanking(blobs, doomed, Float32Array.of(0.5, 1, Number.NaN));
    const cache = new RankingCache(blobs, { openRankings: 1 });
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

  it('shares what it holds with those who come later, and keeps it when nobody holds it any more', () => {
    const cache = new RankingCache(blobs, { openRankings: 1 });
    cache.hold(folders[0]!).close();
    expect(open()).toEqual(['ranking-0']);
    expect(cache.get(folders[0]!).candidates).toBe(2);
    cache.closeAll();
  });

  it('closes what is held too when all is closed', () => {
    const cache = new RankingCache(blobs, { openRankings: 1 });
    const held = cache.hold(folders[0]!);
    cache.get(folders[1]!);
    cache.closeAll();
    expect(open()).toEqual([]);
    held.close();
  });

  it('lets go of what was deleted, but not under those who hold it', () => {
    const cache = new RankingCache(blobs, { openRankings: 3 });
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
    const cache = new RankingCache(blobs, { openRankings: 1 });
    const ranking = cache.get(folders[0]!);
    cache.closeAll();
    expect(() => ranking.rankOf(0)).toThrow('is closed');
    expect(() => cache.get(folders[0]!)).toThrow('cache is closed');
  });
});
