/** Explanations of a small population compared with counting by hand. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explanation, type ExplanationLimits, explain } from '../../src/audience/explanation.ts';
import { openRanking, type Ranking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { openPopulation, type Population, readAddedRows } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { RemoteBlobs } from '../fixture/remote-blobs.ts';
import { importUsers } from '../population/support.ts';
import { blobs } from './blobs.ts';

const FEATURES = [
  { name: 'city', kind: 'single' as const },
  { name: 'gender', kind: 'single' as const, sensitive: true },
  { name: 'likes', kind: 'multi' as const },
];
const LIMITS: ExplanationLimits = { tokens: 10, minimumGroupUsers: 5, minimumDisparityPercent: 80 };

/** User i has score 1 - i / 100: an audience of 20 is the first 20. */
const users = Array.from({ length: 100 }, (_, i) => ({
  user_id: `u${i}`,
  city: i % 3 === 0 ? 'Bonn' : i % 3 === 1 ? 'Ulm' : null,
  gender: i < 4 ? 'x' : i % 4 === 0 && i < 20 ? 'f' : i % 2 === 0 && i >= 20 ? 'f' : 'm',
  likes: [...(i < 15 || i === 60 ? ['tents', 'tents', 'maps'] : []), ...(i % 5 === 0 ? [] : ['tea'])],
}));

let folder: string;
let population: Population;
let ranking: Ranking;
beforeAll(async () => {
  folder = temporaryFolder();
  await importUsers(join(folder, 'data'), join(folder, 'population'), users, { features: FEATURES });
  population = openPopulation(join(folder, 'population'));
  await writeRanking(
    blobs,
    join(folder, 'ranking'),
    Float32Array.from({ length: 100 }, (_, i) => 1 - i / 100),
  );
  ranking = await openRanking(blobs, join(folder, 'ranking'));
});
afterAll(() => {
  ranking.close();
});

const run = async (size: number, limits: Partial<ExplanationLimits> = {}, numbers: ReadonlySet<number> | null = null) =>
  explain(population, { ranking, size }, numbers && { numbers }, { ...LIMITS, ...limits });
const feature = async (name: string, explanation: Explanation | Promise<Explanation> = run(20)) =>
  (await explanation).features.find((one) => one.feature === name)!;

describe('explain', () => {
  it('counts users, members and seeds of each token, counting a repeated token once, and users without a token', async () => {
    const explanation = await run(20, {}, new Set([0, 60, 61]));
    expect(explanation).toMatchObject({ populationSize: 100, audienceSize: 20, seedCount: 3 });
    for (const { name, kind } of FEATURES) {
      const { tokens, tokenCount } = await feature(name, explanation);
      const tokensOf = (user: (typeof users)[number]): (string | null)[] => {
        const value = user[name as 'city' | 'gender' | 'likes'];
        return Array.isArray(value) ? (value.length === 0 ? [null] : [...new Set(value)]) : [value];
      };
      const all = [...new Set(users.flatMap(tokensOf))];
      expect([kind, tokens.map(({ token }) => token).sort()]).toEqual([kind, all.sort()]);
      expect(tokenCount).toBe(all.filter((token) => token !== null).length);
      for (const { token, audience, population: everybody, seeds } of tokens) {
        const having = users.flatMap((user, i) => (tokensOf(user).includes(token) ? [i] : []));
        const members = having.filter((i) => i < 20).length;
        expect(everybody).toEqual({ count: having.length, share: having.length / 100 });
        expect(audience).toEqual({ count: members, share: members / 20 });
        expect(seeds!.count).toBe(having.filter((i) => [0, 60, 61].includes(i)).length);
      }
    }
  });

  it('counts seeds outside the population as seeds only', async () => {
    const outside = { city: 'Ulm', gender: 'of tomorrow', likes: ['tea', 'tea', 'maps'] };
    const { rows } = await readAddedRows(
      population,
      [outside, { ...outside, city: null, likes: [] }].map((one) => JSON.stringify(one)),
    );
    const seeds = { numbers: new Set([0, 60, 61]), rows };
    const [own, all] = [
      await run(20, {}, seeds.numbers),
      await explain(population, { ranking, size: 20 }, seeds, LIMITS),
    ];
    expect([own.seedCount, all.seedCount]).toEqual([3, 5]);
    const counts = ({ features }: Explanation) =>
      features.flatMap((one) =>
        one.tokens.map(({ token, seeds, ...others }) => ({ token, count: seeds!.count, ...others })),
      );
    const more: Readonly<Record<string, number>> = { Ulm: 1, tea: 1, maps: 1, null: 1 };
    expect(counts(all)).toEqual(counts(own).map((one) => ({ ...one, count: one.count + (more[`${one.token}`] ?? 0) })));
  });

  it('is the same for a ranking whose parts have to be fetched', async () => {
    const remote = await openRanking(new RemoteBlobs(folder), 'ranking');
    const limits = { ...LIMITS, tokens: 3 };
    const seeds = new Set([0, 60]);
    expect(await explain(population, { ranking: remote, size: 20 }, { numbers: seeds }, limits)).toEqual(
      await run(20, { tokens: 3 }, seeds),
    );
    remote.close();
  });

  it('lists the strongest evidence first, with lift and interval', async () => {
    const { tokens } = await feature('likes');
    expect(tokens[0]!.token).toBe('tents');
    expect(tokens[0]!.lift.estimate).toBeCloseTo(15 / 20 / 0.16, 10);
    expect(tokens[0]!.lift.low).toBeGreaterThan(1);
    const evidence = tokens.map(({ z }) => Math.abs(z));
    expect(evidence).toEqual([...evidence].sort((a, b) => b - a));
    expect((await feature('likes', await run(20, { tokens: 1 }))).tokens).toEqual(tokens.slice(0, 1));
  });

  it('compares the groups of a sensitive feature that are large enough, and warns below the limit', async () => {
    const { disparity, sensitive } = await feature('gender');
    expect(sensitive).toBe(true);
    // x has 4 users, all of them members: too few to be compared; f: 4 of 44, m: 12 of 52
    expect(disparity).toEqual({
      ratio: 4 / 44 / (12 / 52),
      lowest: { token: 'f', population: 44, audience: 4, rate: 4 / 44 },
      highest: { token: 'm', population: 52, audience: 12, rate: 12 / 52 },
      groups: 2,
      warning: true,
    });
    expect((await feature('gender', await run(20, { minimumDisparityPercent: 39 }))).disparity!.warning).toBe(false);
    expect((await feature('gender', await run(20, { minimumGroupUsers: 4 }))).disparity!.highest.token).toBe('x');
    expect((await feature('gender', await run(20, { minimumGroupUsers: 50 }))).disparity).toBeNull();
    expect(await feature('city')).toMatchObject({ sensitive: false, disparity: null });
  });

  it('has no evidence and no warning when everybody is a member', async () => {
    const explanation = await run(100);
    expect(explanation.audienceSize).toBe(100);
    for (const { tokens } of explanation.features) {
      expect(tokens.every(({ z, lift }) => z === 0 && lift.estimate === 1)).toBe(true);
    }
    expect((await feature('gender', explanation)).disparity).toMatchObject({ ratio: 1, warning: false });
  });

  it('describes nobody when the audience is empty', async () => {
    const explanation = await run(0);
    expect(explanation).toMatchObject({ audienceSize: 0, seedCount: null });
    expect((await feature('city', explanation)).tokens[0]).toMatchObject({
      audience: { count: 0, share: 0 },
      seeds: null,
    });
    expect((await feature('gender', explanation)).disparity).toMatchObject({ ratio: null, warning: false });
  });
});
