/** What the leader of a cluster removes from the object storage, and what it must keep. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIndex } from '../../../src/population/share/published-index.ts';
import { publishPopulation } from '../../../src/population/share.ts';
import { followerOf, prunePopulations } from '../../../src/service/cluster/leader-tasks.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { newStorage, users } from '../../population/share/shared-support.ts';
import { importUsers } from '../../population/support.ts';

const DAY_MS = 24 * 3600_000;

describe('prunePopulations', () => {
  it('removes old versions that nothing needs, and keeps those that are new, served or pinned', async () => {
    const { files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const folder = join(temporaryFolder(), 'data');
    const versions: string[] = [];
    for (let i = 0; i < 9; i++) {
      versions.push((await importUsers(folder, out, users(0, 10 + i))).version);
      await publishPopulation(out, files, null, { now: () => i * DAY_MS });
    }
    const left = async () => (await readIndex(files)).index.versions.map(({ version }) => version);
    const cluster = { neededPopulations: async () => [versions[1]!] };
    // at most 30 days old
    expect((await prunePopulations(cluster, files, () => 29 * DAY_MS)).versions).toEqual([]);
    expect(await left()).toEqual(versions);
    // two at once: one removes, the other is refused or has nothing to do
    const now = () => 100 * DAY_MS;
    const both = await Promise.allSettled([1, 2].map(() => prunePopulations(cluster, files, now)));
    const removed = both.flatMap((one) => (one.status === 'fulfilled' ? one.value.versions : []));
    expect(removed).toEqual([versions[0], versions[2], versions[3]]);
    expect(await left()).toEqual([versions[1], ...versions.slice(4)]);
  });
});

describe('followerOf', () => {
  it('serves a new version, and tries one that was refused again after a minute', async () => {
    let now = 0;
    let isBroken = true;
    const data = { mirror: { newest: 'a' as string | null } };
    const served = { now: { population: { version: 'a' } } };
    const asked: string[] = [];
    const activate = async (version: string) => {
      asked.push(version);
      if (isBroken) throw new Error('object storage is busy');
      served.now = { population: { version } };
      return {} as never;
    };
    const follow = followerOf({ data, served, populations: { activate }, clock: { elapsed: () => now } });
    await follow();
    expect(asked).toEqual([]);
    data.mirror.newest = 'b';
    await expect(follow()).rejects.toThrow('busy');
    await follow();
    expect(asked).toEqual(['b']);
    isBroken = false;
    now = 60_000;
    await follow();
    await follow();
    expect([asked, served.now.population.version]).toEqual([['b', 'b'], 'b']);
  });
});
