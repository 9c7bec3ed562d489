/** Pages and blocks: every size is a cut of one ranking, and blocks put together are the page of everything. */
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageOf } from '../../src/audience/page.ts';
import { openRanking, type Ranking } from '../../src/audience/ranking.ts';
import { itemsOf, memberBlocks } from '../../src/audience/stream/member-blocks.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { TextTable } from '../../src/lib/text/text-table.ts';
import { createDirectory } from '../../src/population/read/directory.ts';
import { collected } from '../fixture/collected.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { whole } from '../fixture/whole-audience.ts';
import { blobs } from './blobs.ts';

const root = temporaryFolder();
const table = new TextTable();
for (let user = 0; user < 5; user++) table.add(`user ${user}`, 20);
const ids = createDirectory(table, { has: () => false });
let ranking: Ranking;

beforeAll(async () => {
  await writeRanking(blobs, join(root, 'ranking'), Float32Array.of(0.25, 0.5, Number.NaN, 0.75, 0.5));
  ranking = await openRanking(blobs, join(root, 'ranking'));
});
afterAll(() => ranking.close());

const page = (...given: Parameters<typeof pageOf>) => [...itemsOf(pageOf(...given))];

describe('pageOf', () => {
  it('joins ranks with user ids, scores and percentiles, whatever the size', () => {
    expect(page(ranking, ids, { ...whole(4), fromRank: 0, limit: 10 })).toEqual([
      { rank: 1, user_id: 'user 3', score: 0.75, percentile: 100 },
      { rank: 2, user_id: 'user 1', score: 0.5, percentile: 75 },
      { rank: 3, user_id: 'user 4', score: 0.5, percentile: 50 },
      { rank: 4, user_id: 'user 0', score: 0.25, percentile: 25 },
    ]);
  });

  it('ends at the size of the audience, not at that of the ranking', () => {
    expect(page(ranking, ids, { ...whole(2), fromRank: 1, limit: 10 }).map((item) => item.rank)).toEqual([2]);
  });

  it('is empty past the end', () => {
    expect(page(ranking, ids, { ...whole(2), fromRank: 2, limit: 10 })).toEqual([]);
    expect(page(ranking, ids, { ...whole(2), fromRank: 9, limit: 10 })).toEqual([]);
    expect(page(ranking, ids, { ...whole(99), fromRank: 9, limit: 10 })).toEqual([]);
  });
});

describe('erased users', () => {
  it('are on no page, the others keep their ranks, and a block of erased users alone is empty', async () => {
    const without = { ...ids, isErased: (userNumber: number) => userNumber === 3 || userNumber === 4 };
    const shown = page(ranking, without, { ...whole(4), fromRank: 0, limit: 10 });
    expect(shown.map(({ rank, user_id }) => [rank, user_id])).toEqual([
      [2, 'user 1'],
      [4, 'user 0'],
    ]);
    const blocks = await collected(memberBlocks(ranking, without, { ...whole(4), blockSize: 1 }));
    expect(blocks.map(({ ranks }) => [...ranks])).toEqual([[], [2], [], [4]]);
  });
});

describe('memberBlocks', () => {
  it('returns the whole audience in order, whatever the block size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(6), fc.integer({ min: 1, max: 6 }), async (size, fromRank, blockSize) => {
        const read = await collected(memberBlocks(ranking, ids, { ...whole(size), fromRank, blockSize }));
        const blocks = read.map((one) => [...itemsOf(one)]);
        expect(blocks.flat()).toEqual(page(ranking, ids, { ...whole(size), fromRank, limit: 100 }));
        expect(blocks.slice(0, -1).every((block) => block.length === blockSize)).toBe(true);
        expect(blocks.every((block) => block.length > 0)).toBe(true);
      }),
    );
  });

  it('starts at the first rank unless told otherwise', async () => {
    expect(
      (await collected(memberBlocks(ranking, ids, { ...whole(1), blockSize: 5 }))).map(({ ranks }) => [...ranks]),
    ).toEqual([[1]]);
  });
});
