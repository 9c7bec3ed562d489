/** The audiences of a user while the list of active audiences changes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { UserAudiences } from '../../src/audience/user-audiences.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import type { Audience } from '../../src/domain/types.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const USERS = 64;
const blobs = new FileBlobs(temporaryFolder());
/** Audience i has the users whose number has bit i. */
const all: Audience[] = [];
for (let i = 0; i < 6; i++) {
  const scores = Float32Array.from({ length: USERS }, (_, user) => ((user >> i) & 1 ? 0.5 : Number.NaN));
  await writeRanking(blobs, `folder-${i}`, scores);
  all.push({ campaignId: `c${i}`, version: 1, folder: `folder-${i}`, size: USERS / 2 } as Audience);
}

it('belong to the list that they are found in, although concurrent calls see other lists', async () => {
  const cache = new RankingCache(blobs, { openRankings: 8, memoryBytes: 1 << 20 });
  let active = all;
  const userAudiences = new UserAudiences({ activeAudiences: async () => active }, cache);
  const lists = [all, all.slice(2), all.slice(0, 3), [all[5]!, all[0]!], all.slice(1, 5)];
  const find = async (user: number) => {
    const { audiences, held } = await userAudiences.find(user);
    const found: string[] = [];
    for await (const [i] of held) found.push(audiences[i]!.campaignId);
    const expected = audiences.map(({ campaignId }) => campaignId).filter((id) => (user >> Number(id.slice(1))) & 1);
    expect(found).toEqual(expected);
    return 'length' in held;
  };
  let fromMemory = 0;
  for (let round = 0; round < 3_000; round++) {
    const calls: Promise<boolean>[] = [];
    for (const [i, list] of lists.entries()) {
      active = list;
      calls.push(find((round * 7 + i) % USERS));
    }
    for (const isFromMemory of await Promise.all(calls)) if (isFromMemory) fromMemory += 1;
    if (round % 100 === 0) await nextTurn();
  }
  expect(fromMemory).toBeGreaterThan(0);
  cache.closeAll();
});
