/** Members in memory agree with scores and cut. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildMemberIndex, type MemberIndex, memberIndexBytes } from '../../src/audience/member-index.ts';
import { membershipOf } from '../../src/audience/membership.ts';
import { openRanking, type Ranking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { whole } from '../fixture/whole-audience.ts';
import { blobs } from './blobs.ts';

const USERS = 70_001;

function build(ranking: Ranking, size: number): { index: MemberIndex; steps: number } {
  const building = buildMemberIndex(ranking, whole(size));
  for (let steps = 1; ; steps++) {
    const { done, value } = building.next();
    if (done) return { index: value, steps };
  }
}

describe('buildMemberIndex', async () => {
  const folder = join(temporaryFolder(), 'ranking');
  const rng = createRng('member index');
  // ties, and users who are not candidates
  const scores = Float32Array.from({ length: USERS }, () =>
    rng.integer(50) === 0 ? Number.NaN : rng.integer(5000) / 5000,
  );
  await writeRanking(blobs, folder, scores);

  it.each([0, 1, 33, 5_000, 66_000, USERS])('knows rank and score of every user, of size %i', async (size) => {
    const ranking = await openRanking(blobs, folder);
    const expected = Array.from({ length: USERS + 40 }, (_, user) => membershipOf(ranking, whole(size), user));
    const { index } = build(ranking, size);
    ranking.members = index;
    const found = expected.map((_, user) => membershipOf(ranking, whole(size), user));
    expect(found.filter((one) => one !== null)).toHaveLength(Math.min(size, ranking.candidates));
    expect(found.findIndex((one, user) => JSON.stringify(one) !== JSON.stringify(expected[user]))).toBe(-1);
    ranking.close();
  });

  it('builds in bounded steps, and takes the predicted number of bytes', async () => {
    const ranking = await openRanking(blobs, folder);
    expect(build(ranking, 100).steps).toBe(4);
    expect(build(ranking, 66_000).steps).toBe(6);
    expect(memberIndexBytes(1_000_000, 50_000)).toBe(400_000 + 250_000 + 15_628);
    ranking.close();
  });
});
