/** Reading a ranking: pages, scores, ranks, and damaged folders. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInside } from '../../src/audience/cut.ts';
import { decodeSidecar, encodeSidecar } from '../../src/audience/format.ts';
import { membershipOf, percentileOf } from '../../src/audience/membership.ts';
import { openRanking } from '../../src/audience/ranking.ts';
import { sumsOf } from '../../src/audience/sums.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { openFiles } from '../fixture/open-files.ts';
import { size } from '../fixture/size.ts';
import { whole } from '../fixture/whole-audience.ts';
import { blobs } from './blobs.ts';
import { naiveOrder } from './naive-order.ts';

const root = temporaryFolder();
let folders = 0;

async function write(scores: Float32Array): Promise<string> {
  const folder = join(root, `ranking-${folders++}`);
  await writeRanking(blobs, folder, scores);
  return folder;
}

/** Scores with many ties (60 values) and one user in eight left out. */
function tiedScores(count: number): Float32Array {
  const rng = createRng('tied scores');
  return Float32Array.from({ length: count }, () => (rng.integer(8) === 0 ? Number.NaN : rng.integer(60) / 60));
}

describe('Ranking', () => {
  it('reads, scores and ranks as a naive sort does, on any scores', async () => {
    const score = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, 0, -0, 0.5, 1));
    await fc.assert(
      fc.asyncProperty(fc.array(score, { maxLength: 60 }), fc.nat(70), fc.nat(70), async (values, fromRank, count) => {
        const scores = Float32Array.from(values);
        const order = naiveOrder(scores);
        const ranking = await openRanking(blobs, await write(scores));
        const page = ranking.read(fromRank, count);
        const expected = order.slice(fromRank, fromRank + count);
        expect([...page.userNumbers]).toEqual(expected);
        expect(page.scores).toEqual(Float32Array.from(expected, (user) => scores[user]!));
        for (let user = 0; user < scores.length; user++) {
          expect(ranking.rankOf(user)).toBe(order.indexOf(user) + 1);
          expect(ranking.scoreOf(user)).toBe(scores[user]);
        }
        const users = Uint32Array.from({ length: scores.length + 3 }, (_, i) => (7 * i) % (scores.length + 3));
        expect(ranking.scoresOf(users)).toEqual(Float32Array.from(users, (user) => scores[user] ?? Number.NaN));
        expect(ranking.scoresFrom(fromRank, count)).toEqual(scores.slice(fromRank, fromRank + count));
        ranking.close();
      }),
      { numRuns: size(20, 60) },
    );
  });

  it('cuts at every size and at every score as a naive sort does, on any scores', async () => {
    const score = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, 0, -0, 0.5, 1));
    await fc.assert(
      fc.asyncProperty(
        fc.array(score, { maxLength: 40 }),
        fc.nat(45),
        fc.double({ noNaN: true }),
        async (values, size, least) => {
          const scores = Float32Array.from(values);
          const order = naiveOrder(scores);
          const ranking = await openRanking(blobs, await write(scores));
          const cut = ranking.cut(size);
          expect(cut.size).toBe(Math.min(size, order.length));
          for (let user = 0; user < scores.length; user++) {
            const rank = order.indexOf(user) + 1;
            const isMember = rank > 0 && rank <= size;
            expect(isInside(cut, user, scores[user]!)).toBe(isMember);
            const expected = { rank, score: scores[user], percentile: percentileOf(rank, order.length) };
            expect(membershipOf(ranking, whole(size), user)).toEqual(isMember ? expected : null);
          }
          for (const from of [least, 0.5, ...values.filter((value) => !Number.isNaN(value))]) {
            expect(ranking.countFrom(from)).toBe(order.filter((user) => scores[user]! >= from).length);
          }
          ranking.close();
        },
      ),
      { numRuns: size(20, 60) },
    );
  });

  it('ranks every user of a ranking with long ties, deeper than one block of the search', async () => {
    const scores = tiedScores(20_000);
    const order = naiveOrder(scores);
    const ranking = await openRanking(blobs, await write(scores));
    const ranks = new Map(order.map((user, i) => [user, i + 1]));
    for (let user = 0; user < scores.length; user++) {
      if (ranking.rankOf(user) !== (ranks.get(user) ?? 0)) expect(ranking.rankOf(user)).toBe(ranks.get(user) ?? 0);
    }
    expect(ranking.candidates).toBe(order.length);
    ranking.close();
  });

  it('reads the same scores sparsely and densely', async () => {
    const scores = tiedScores(50_000);
    const ranking = await openRanking(blobs, await write(scores));
    const dense = ranking.read(0, ranking.candidates);
    expect(dense.scores).toEqual(Float32Array.from(dense.userNumbers, (user) => scores[user]!));
    const sparse = ranking.read(30_000, 20);
    expect(sparse.userNumbers).toEqual(dense.userNumbers.slice(30_000, 30_020));
    expect(sparse.scores).toEqual(dense.scores.slice(30_000, 30_020));
    ranking.close();
  });

  it('returns no rank and no score for a user who is newer than the ranking', async () => {
    const ranking = await openRanking(blobs, await write(Float32Array.of(0.5)));
    expect(ranking.rankOf(1)).toBe(0);
    expect(ranking.scoreOf(1)).toBeNaN();
    expect(ranking.scoreOf(-1)).toBeNaN();
    ranking.close();
  });

  it('refuses to read once closed', async () => {
    const ranking = await openRanking(blobs, await write(Float32Array.of(0.5)));
    ranking.close();
    ranking.close();
    expect(() => ranking.read(0, 1)).toThrow('is closed');
  });
});

describe('openRanking', () => {
  const whole = async (): Promise<string> => await write(Float32Array.of(0.5, 0.25, Number.NaN));

  it('refuses a missing folder', async () => {
    await expect(openRanking(blobs, join(root, 'nowhere'))).rejects.toThrow(
      expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } }),
    );
  });

  it.each<[string, (folder: string) => void, string]>([
    [
      'short scores',
      (folder) => truncateSync(join(folder, 'scores.f32'), 11),
      'is damaged: scores.f32 has 11 bytes, not 12',
    ],
    [
      'a short order',
      (folder) => truncateSync(join(folder, 'order.u32'), 4),
      'is damaged: order.u32 has 4 bytes, not 8',
    ],
    [
      'a sidecar that is not JSON',
      (folder) => truncateSync(join(folder, 'ranking.json'), 5),
      'is damaged: ranking.json is not JSON',
    ],
    [
      'impossible counts',
      (folder) => writeFileSync(join(folder, 'ranking.json'), '{"contract":1,"users":1,"candidates":2}'),
      'impossible counts: 1 users, 2 candidates',
    ],
    [
      'a newer contract',
      (folder) => writeFileSync(join(folder, 'ranking.json'), '{"contract":2,"users":3,"candidates":2}'),
      'its contract version is 2, but this release reads version 1',
    ],
  ])('refuses %s, and leaves no descriptor open', async (_, harm, sentence) => {
    const folder = await whole();
    harm(folder);
    await expect(openRanking(blobs, folder)).rejects.toThrow(sentence);
    expect(openFiles(folder)).toEqual([]);
  });

  it('reports that the files disagree instead of returning a wrong rank', async () => {
    const folder = await whole();
    const order = readFileSync(join(folder, 'order.u32'));
    order.writeUInt32LE(2, 0);
    writeFileSync(join(folder, 'order.u32'), order);
    const path = join(folder, 'ranking.json');
    const sidecar = decodeSidecar(folder, readFileSync(path, 'utf8'));
    writeFileSync(path, encodeSidecar(sidecar, { ...sidecar.sums, order: sumsOf(order) }));
    const ranking = await openRanking(blobs, folder);
    expect(() => ranking.rankOf(0)).toThrow('order.u32 does not contain user number 0, but scores.f32 does');
    ranking.close();
  });
});
