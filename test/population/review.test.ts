/** Counts over a version's users in a thread, one pass per version. */
import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPopulation } from '../../src/population/read/population.ts';
import { countUses } from '../../src/population/read/review.ts';
import { PopulationReviewer } from '../../src/population/read/review-beside.ts';
import { newFolder } from '../fixture/folders.ts';
import { importUsers, type TestUser } from './support.ts';

const user = (id: string, city: string | null, likes: string[]) => ({ user_id: id, city, likes }) as TestUser;

async function twoVersions() {
  const out = newFolder();
  const lists = [
    [user('a', 'x', ['t', 't']), user('b', 'y', []), user('c', null, ['u'])],
    [user('a', 'x', ['t']), user('b', 'x', []), user('d', 'z', [])],
  ];
  const versions: string[] = [];
  for (const users of lists) versions.push((await importUsers(newFolder(), out, users)).version);
  const reviewer = new PopulationReviewer(out);
  onTestFinished(() => reviewer.close());
  return { out, versions: versions as [string, string], reviewer };
}

describe('a version', () => {
  it('is counted by feature: users with a value, and how often they have each token', async () => {
    const { out, versions, reviewer } = await twoVersions();
    const population = openPopulation(out, { version: versions[0] });
    const uses = countUses(population);
    expect(await reviewer.uses(versions[0])).toEqual(uses);
    const told = uses.map(({ name, users, uses: counts }) => {
      const dictionary = population.dictionary(name);
      const tokens = Array.from(counts ?? [], (count, code) => [code === 0 ? '' : dictionary.token(code), count]);
      return [name, users, Object.fromEntries(tokens.filter(([, count]) => count !== 0))];
    });
    const of = (name: string) => told.find(([own]) => own === name)?.slice(1);
    expect(of('city')).toEqual([2, { x: 1, y: 1 }]);
    expect(of('likes')).toEqual([2, { t: 2, u: 1 }]);
  });

  it('is read once: what was found holds, also where its files are gone', async () => {
    const { out, versions, reviewer } = await twoVersions();
    const [first, second] = versions;
    const diff = await reviewer.diff(first, second);
    expect(diff).toMatchObject({ added: 1, removed: 1, kept: 2, changed: 2 });
    rmSync(out, { recursive: true });
    expect(await reviewer.diff(first, second)).toBe(diff);
    // another question fails, and is asked again
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(reviewer.diff(second, first)).rejects.toMatchObject({ code: 'invalid_population' });
  });

  it('refuses too many waiting passes', async () => {
    const { versions, reviewer } = await twoVersions();
    const asked = Array.from({ length: 12 }, (_, i) => reviewer.diff(`${i}`.padStart(12, '0'), versions[0]));
    const ends = await Promise.allSettled(asked);
    const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'found'));
    expect(codes).toEqual([...Array(8).fill('invalid_population'), ...Array(4).fill('unavailable')]);
    await reviewer.diff(versions[0], versions[1]);
  });
});
