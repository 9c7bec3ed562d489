/** Reading a ranking: pages, scores, ranks, damaged folders, and files whose parts have to be fetched first. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRanking } from '../../src/audience/check-ranking.ts';
import { isInside } from '../../src/audience/cut.ts';
import { countDiff, missingFrom } from '../../src/audience/diff.ts';
import { decodeSidecar, encodeSidecar } from '../../src/audience/format.ts';
import { membershipOf, percentileOf } from '../../src/audience/membership.ts';
import { openRanking, type ReadRanking } from '../../src/audience/ranking.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { RANKING_READS } from '../../src/audience/reads.ts';
import { memberBlocks } from '../../src/audience/stream/member-blocks.ts';
import { sumsOf } from '../../src/audience/sums.ts';
import { UserAudiences } from '../../src/audience/user-audiences.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { type Blobs, PartMissing } from '../../src/domain/ports/blobs.ts';
import type { Audience } from '../../src/domain/types.ts';
import { drainAsync } from '../../src/lib/files/slices.ts';
import { createRng } from '../../src/lib/rng.ts';
import { TextTable } from '../../src/lib/text/text-table.ts';
import { createDirectory } from '../../src/population/read/directory.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { collected } from '../fixture/collected.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { openFiles } from '../fixture/open-files.ts';
import { RemoteBlobs } from '../fixture/remote-blobs.ts';
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

const USERS = 70_000;
const SIZE = 5_000;

const files = new FileBlobs(root);
const rng = createRng('late reads');
for (const folder of ['first', 'second'])
  await writeRanking(
    files,
    folder,
    Float32Array.from({ length: USERS }, () => (rng.integer(9) === 0 ? Number.NaN : rng.integer(4_000) / 4_000)),
  );
const table = new TextTable();
for (let user = 0; user < USERS; user++) table.add(`user ${user}`, 32);
const directory = createDirectory(table, { has: (user) => user % 1_000 === 0 });
const users = Array.from({ length: 40 }, () => rng.integer(USERS + 10));

/** What each kind of read answers. */
async function answersOf(blobs: Blobs): Promise<unknown> {
  const cache = new RankingCache(blobs, { openRankings: 2, memoryBytes: 0 });
  const reads: Readonly<Record<string, (ranking: ReadRanking) => unknown>> = {
    memberships: (ranking) => users.map((user) => RANKING_READS.membershipOf(ranking, whole(SIZE), user)),
    page: (ranking) => RANKING_READS.pageOf(ranking, directory, { ...whole(SIZE), fromRank: 900, limit: 500 }),
    ranks: (ranking) => users.map((user) => ranking.rankOf(user)),
    cut: (ranking) => [ranking.cut(SIZE), ranking.countFrom(0.5)],
  };
  const found: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(reads)) found[name] = await cache.use('first', read);
  const [first, second] = await Promise.all(
    ['first', 'second'].map((folder) =>
      cache.hold(folder, (ranking) => ({ ranking, ...whole(SIZE), at: ranking.cut(9) })),
    ),
  );
  const [a, b] = [first!.opened, second!.opened];
  found['diff'] = await countDiff(a, b);
  found['missing'] = (await collected(missingFrom(a, b, 777))).map((block) => [...block]);
  found['stream'] = await collected(memberBlocks(a.ranking, directory, { ...whole(SIZE), blockSize: 777 }));
  first!.close();
  second!.close();
  const audiences = ['first', 'second'].map(
    (folder) => ({ campaignId: folder, version: 1, folder, ...whole(SIZE) }) as Audience,
  );
  const userAudiences = new UserAudiences({ activeAudiences: async () => audiences }, cache);
  found['audiences'] = [];
  for (const user of users) {
    const { held } = await userAudiences.find(user);
    (found['audiences'] as unknown[]).push('length' in held ? held : await collected(held));
  }
  found['check'] = await drainAsync(checkRanking(blobs, 'first'), () => {});
  cache.closeAll();
  return found;
}

it('is the same for look-ups, pages, ranks, cuts, differences, streams, audiences of a user, and checks', async () => {
  const remote = new RemoteBlobs(root);
  let missed = 0;
  const counted = Object.assign(new RemoteBlobs(root), {
    async open(folder: string, file: string) {
      const blob = await remote.open(folder, file);
      const read = (target: Uint8Array, position: number) => {
        try {
          return blob.read(target, position);
        } catch (error) {
          if (error instanceof PartMissing) missed += 1;
          throw error;
        }
      };
      return { sizeBytes: blob.sizeBytes, read, close: () => blob.close() };
    },
  });
  expect(await answersOf(counted)).toEqual(await answersOf(files));
  expect(missed).toBeGreaterThan(100);
});
