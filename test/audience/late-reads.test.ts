/** Every read of a ranking answers the same if the parts of its files have to be fetched first. */
import { expect, it } from 'vitest';
import { checkRanking } from '../../src/audience/check-ranking.ts';
import { countDiff, missingFrom } from '../../src/audience/diff.ts';
import type { ReadRanking } from '../../src/audience/ranking.ts';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { RANKING_READS } from '../../src/audience/reads.ts';
import { memberBlocks } from '../../src/audience/stream/member-blocks.ts';
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
import { RemoteBlobs } from '../fixture/remote-blobs.ts';
import { whole } from '../fixture/whole-audience.ts';

const USERS = 70_000;
const SIZE = 5_000;
const root = temporaryFolder();
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
