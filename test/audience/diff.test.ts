/** The difference of two audience versions compared with sets, for any two rankings of any two populations. Also members in memory. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countDiff, missingFrom, type Side } from '../../src/audience/diff.ts';
import { buildMemberIndex, type MemberIndex, memberIndexBytes } from '../../src/audience/member-index.ts';
import { membershipOf } from '../../src/audience/membership.ts';
import { openRanking, type Ranking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { createRng } from '../../src/lib/rng.ts';
import { collected } from '../fixture/collected.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { whole } from '../fixture/whole-audience.ts';
import { blobs } from './blobs.ts';
import { naiveOrder } from './naive-order.ts';

const root = temporaryFolder();
let folders = 0;

async function sideOf(
  scores: Float32Array,
  size: number,
): Promise<{ side: Side; ranking: Ranking; members: number[] }> {
  const folder = join(root, `ranking-${folders++}`);
  await writeRanking(blobs, folder, scores);
  const members = naiveOrder(scores).slice(0, size);
  const ranking = await openRanking(blobs, folder);
  return { side: { ranking, ...whole(members.length) }, ranking, members };
}

type Opened = Awaited<ReturnType<typeof sideOf>>;

async function checkDiff(a: Opened, b: Opened, block: number): Promise<void> {
  const removed = a.members.filter((user) => !b.members.includes(user));
  const added = b.members.filter((user) => !a.members.includes(user));
  expect((await collected(missingFrom(a.side, b.side, block))).flatMap((users) => [...users])).toEqual(removed);
  expect((await collected(missingFrom(b.side, a.side, block))).flatMap((users) => [...users])).toEqual(added);
  const kept = a.members.length - removed.length;
  expect(await countDiff(a.side, b.side)).toEqual({ added: added.length, removed: removed.length, kept });
  a.ranking.close();
  b.ranking.close();
}

describe('countDiff and missingFrom', () => {
  it('agree with sets, removed and added each in rank order', async () => {
    const score = fc.constantFrom(Number.NaN, 0, 0.25, 0.5, 0.75, 1);
    const scores = fc.array(score, { maxLength: 30 }).map((values) => Float32Array.from(values));
    await fc.assert(
      fc.asyncProperty(scores, fc.nat(32), scores, fc.nat(32), fc.integer({ min: 1, max: 9 }), async (a, m, b, n, k) =>
        checkDiff(await sideOf(a, m), await sideOf(b, n), k),
      ),
      { numRuns: size(20, 60) },
    );
  });

  it('count over more than one window', async () => {
    const rng = createRng('diff');
    const random = () => Float32Array.from({ length: 70_000 }, () => rng.integer(1000) / 1000);
    await checkDiff(await sideOf(random(), 700), await sideOf(random(), 2_000), 256);
  });

  it('stop counting when they are aborted', async () => {
    const { side, ranking } = await sideOf(new Float32Array(70_000), 10);
    const aborted = AbortSignal.abort(new Error('the client disconnected'));
    await expect(countDiff(side, side, aborted)).rejects.toThrow('the client disconnected');
    ranking.close();
  });
});

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
