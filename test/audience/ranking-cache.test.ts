/** The cache of open rankings: its limit holds, and what it gave out stays usable. */
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { temporaryFolder } from './folders.ts';

const root = temporaryFolder();
const folders = [0, 1, 2].map((i) => {
  const folder = join(root, `ranking-${i}`);
  writeRanking(folder, Float32Array.of(i / 4, 0.9));
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
  return ['ranking-0', 'ranking-1', 'ranking-2'].filter((name) => paths.some((path) => path.includes(name)));
}

describe('RankingCache', () => {
  it('keeps the most recently used open, up to its limit', () => {
    const cache = new RankingCache({ openRankings: 2 });
    const first = cache.get(folders[0]!);
    cache.get(folders[1]!);
    first.scoreOf(0);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-0', 'ranking-2']);
    cache.closeAll();
    expect(open()).toEqual([]);
  });

  it('reads on through a ranking that had to make room', () => {
    const cache = new RankingCache({ openRankings: 1 });
    const slow = cache.get(folders[1]!);
    cache.get(folders[2]!);
    expect(open()).toEqual(['ranking-2']);
    expect([...slow.read(0, 2).userNumbers]).toEqual([1, 0]);
    expect(slow.scoreOf(0)).toBe(0.25);
    expect(open()).toEqual(['ranking-1']);
    cache.closeAll();
  });

  it('closes one ranking when asked', () => {
    const cache = new RankingCache({ openRankings: 2 });
    cache.get(folders[0]!).close();
    expect(open()).toEqual([]);
    cache.closeAll();
  });

  it('says storage_failed for a folder that is gone', () => {
    const gone = join(root, 'gone');
    writeRanking(gone, Float32Array.of(1));
    const cache = new RankingCache({ openRankings: 1 });
    const ranking = cache.get(gone);
    cache.get(folders[0]!);
    rmSync(gone, { recursive: true });
    expect(() => ranking.rankOf(0)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    cache.closeAll();
  });

  it('refuses to read after closeAll', () => {
    const cache = new RankingCache({ openRankings: 1 });
    const ranking = cache.get(folders[0]!);
    cache.closeAll();
    expect(() => ranking.rankOf(0)).toThrow('cache is closed');
  });
});
