/** Roles of users in an expansion compared with plain sets, for random sets and filters. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRoles, leaveOutErased } from '../../src/audience/find-roles.ts';
import { type IdBlocks, withWeights } from '../../src/domain/id-blocks.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const folder = temporaryFolder();

interface User {
  readonly user_id: string;
  readonly country: string | null;
  readonly likes: readonly string[];
}

const USERS: readonly User[] = Array.from({ length: 60 }, (_, i) => ({
  user_id: `u${i}`,
  country: i % 7 === 0 ? null : ['DE', 'AT', 'CH'][i % 3]!,
  likes: ['a', 'b', 'c'].filter((_, bit) => (i >> bit) & 1),
}));
const features = [
  { name: 'country', kind: 'single' as const },
  { name: 'likes', kind: 'multi' as const, maxLength: 3 },
];
writeFileSync(
  join(folder, 'dataset.json'),
  JSON.stringify({
    name: 'roles',
    user_features: features.map(({ name, kind, maxLength }) => ({ name, kind, max_length: maxLength })),
    campaign_features: [],
  }),
);
writeFileSync(join(folder, 'users.ndjson'), USERS.map((user) => `${JSON.stringify(user)}\n`).join(''));
await importPopulation({ source: folder, features, out: join(folder, 'population') });
const population = openPopulation(join(folder, 'population'));

const ids = fc.subarray([...USERS.map(({ user_id }) => user_id), 'nobody', 'u61']);
const filters = fc.record(
  {
    country: fc.subarray(['DE', 'AT', 'FR'], { minLength: 1 }),
    likes: fc.subarray(['a', 'c', 'z'], { minLength: 1 }),
  },
  { requiredKeys: [] },
);

describe('findRoles', () => {
  it('suppresses users who were erased since the version was opened, as seeds and as candidates', async () => {
    const out = join(folder, 'erased');
    await importPopulation({ source: folder, features, out });
    const opened = openPopulation(out);
    const ask = async () => findRoles(opened, { seeds: [[['u1', 'u2']]], dismissed: [], suppressed: [[['u3']]] }, {});
    expect(Array.from((await ask()).seeds)).toEqual([1, 2]);
    await eraseUsers(out, ['u1', 'u5', 'nobody'], openPopulation(out));
    const { seeds, suppressed, candidates } = await ask();
    expect([Array.from(seeds), Array.from(suppressed), candidates.length]).toEqual([[2], [1, 3, 5], 56]);
    const scores = new Float32Array(USERS.length);
    leaveOutErased(opened, scores);
    expect([...scores.keys()].filter((user) => Number.isNaN(scores[user]))).toEqual([1, 5]);
  });

  it('returns relative weights of known seeds, and none if they are equal', async () => {
    const weighted = (ids: string[], ...weights: number[]) => withWeights(ids, weights);
    const ask = async (...seeds: IdBlocks[]) =>
      (await findRoles(population, { seeds, dismissed: [], suppressed: [[['u3']]] }, {})).seedWeights;
    expect(await ask([weighted(['u1', 'u2', 'u3'], 6, 2, 9)], [['u1', 'u4']])).toEqual(
      Float32Array.of(2, 2 / 3, 1 / 3),
    );
    expect(await ask([weighted(['nobody', 'u1', 'u2'], 5, 3, 3)])).toBeUndefined();
    expect(await ask([weighted(['u1', 'u2'], 3, 3)], [['u4']])).toEqual(Float32Array.of(9 / 7, 9 / 7, 3 / 7));
  });

  it('reads seeds with features who are in no version and on no list, in an order that does not depend on ids', async () => {
    const values = (country: string, likes: readonly string[]) => JSON.stringify({ country, likes });
    const [at, de] = [values('AT', ['c']), values('DE', [])];
    const sent = withWeights(['listed', 'n1', 'n2', 'u1', 'unloved'], [1, 3, 1, 1, 1], [at, de, at, at, at]);
    const ask = (seeds: IdBlocks) =>
      findRoles(
        population,
        { seeds: [seeds], dismissed: [[['unloved']]], suppressed: [[['listed']]] },
        { country: ['DE'] },
      );
    const { seeds, seedRows, seedWeights } = await ask([sent]);
    expect([[...seeds], [...seedRows!.rows.userNumbers], seedRows!.firstRow]).toEqual([[1], [-1, -1], USERS.length]);
    // the row of AT is first, and does not pass the filter
    expect([...seedRows!.filtered]).toEqual([USERS.length]);
    expect(seedWeights).toEqual(Float32Array.of(0.6, 0.6, 1.8));
    const renamed = await ask([withWeights(['a', 'u1', 'z'], [3, 1, 1], [de, undefined, at])]);
    expect(renamed).toEqual({ ...(await ask([sent])), suppressed: new Int32Array(0) });
  });

  it('assigns one role to every user: suppressed before dismissed before seed before filtered', async () => {
    await fc.assert(
      fc.asyncProperty(ids, ids, ids, filters, async (seeds, dismissed, suppressed, wanted) => {
        const found = await findRoles(
          population,
          { seeds: [[seeds.slice(0, 3)], [seeds.slice(3)]], dismissed: [[dismissed]], suppressed: [[suppressed]] },
          wanted,
        );
        const passes = (user: User) =>
          (wanted.country?.includes(user.country ?? '') ?? true) &&
          (wanted.likes?.some((token) => user.likes.includes(token)) ?? true);
        const roleOf = (user: User) => {
          const id = user.user_id;
          if (suppressed.includes(id)) return 'suppressed';
          if (seeds.includes(id) && !dismissed.includes(id)) return 'seeds';
          return passes(user) ? 'candidates' : 'filtered';
        };
        const named = (rows: Int32Array) =>
          [...population.readRows(rows).userNumbers].map((number) => population.directory.id(number)).sort();
        for (const role of ['seeds', 'suppressed', 'filtered', 'candidates'] as const) {
          const expected = USERS.filter((user) => roleOf(user) === role).map(({ user_id }) => user_id);
          expect(named(found[role]), role).toEqual(expected.sort());
          expect([...found[role]]).toEqual([...found[role]].sort((a, b) => a - b));
        }
        const expected = USERS.filter((user) => dismissed.includes(user.user_id) && roleOf(user) === 'candidates');
        expect(named(found.dismissed)).toEqual(expected.map(({ user_id }) => user_id).sort());
        const outsideOf = (role: string) => USERS.filter((user) => roleOf(user) === role && !passes(user));
        expect(named(found.seedsOutside)).toEqual(
          outsideOf('seeds')
            .map(({ user_id }) => user_id)
            .sort(),
        );
        const dismissedOutside = outsideOf('filtered').filter(({ user_id }) => dismissed.includes(user_id));
        expect(named(found.dismissedOutside)).toEqual(dismissedOutside.map(({ user_id }) => user_id).sort());
      }),
    );
  });

  it('lets nobody pass a feature that the population does not have', async () => {
    const sets = { seeds: [[['u1']]], dismissed: [], suppressed: [] };
    const { candidates, filtered, seeds } = await findRoles(population, sets, { planet: ['Mars'] });
    expect([candidates.length, filtered.length, seeds.length]).toEqual([0, USERS.length - 1, 1]);
  });

  it('lets other work run, and ends when onTurn throws', async () => {
    const blocks = Array.from({ length: 50 }, () => ['u1', 'u2']);
    let turns = 0;
    const count = () => {
      turns += 1;
      if (turns === 10) throw new Error('enough');
    };
    const sets = { seeds: [blocks], dismissed: [], suppressed: [] };
    let others = 0;
    setImmediate(() => others++);
    await expect(findRoles(population, sets, {}, count)).rejects.toThrow('enough');
    expect(turns).toBe(10);
    expect(others).toBeGreaterThan(0);
  });
});
