/** Rankings with one flipped bit: never a wrong user at a rank, nor a wrong rank of a user. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRanking } from '../../src/audience/check-ranking.ts';
import { isDamage } from '../../src/audience/format.ts';
import { openRanking, type Ranking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { drainAsync } from '../../src/lib/files/slices.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { blobs } from './blobs.ts';

/** Five blocks a file, the last one not full. */
const USERS = 18_000;

const root = temporaryFolder();
const rng = createRng('flipped bits');
const scores = Float32Array.from({ length: USERS }, () =>
  rng.integer(9) === 0 ? Number.NaN : rng.integer(5000) / 5000,
);
let folders = 0;

async function written(): Promise<string> {
  const folder = join(root, `ranking-${folders++}`);
  await writeRanking(blobs, folder, scores);
  return folder;
}

function flip(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes);
}

function check(folder: string) {
  return drainAsync(checkRanking(blobs, folder), () => {});
}

/** What an action returns, or `damaged`. */
function outcomeOf<T>(action: () => T): T | 'damaged' {
  try {
    return action();
  } catch (error) {
    if (isDamage(error)) return 'damaged';
    throw error;
  }
}

function readAll(ranking: Ranking) {
  return [
    ...Array.from({ length: 40 }, (_, i) => outcomeOf(() => ranking.rankOf(i * 450))),
    ...Array.from({ length: 20 }, (_, i) => outcomeOf(() => [...ranking.usersAt(i * 700, 100)].join())),
    ...Array.from({ length: 20 }, (_, i) => outcomeOf(() => [...ranking.scoresFrom(i * 700, 100)].join())),
  ];
}

describe('a ranking with one flipped bit', () => {
  it('answers as before or reports damage, for bits anywhere in both files', async () => {
    const whole = await openRanking(blobs, await written());
    const expected = readAll(whole);
    whole.close();
    const folder = await written();
    const rounds = size(12, 60);
    let found = 0;
    for (let round = 0; round < rounds; round++) {
      const path = join(folder, round % 2 === 0 ? 'scores.f32' : 'order.u32');
      const bit = rng.integer(8 * readFileSync(path).length);
      flip(path, bit);
      const ranking = await openRanking(blobs, folder);
      const answers = readAll(ranking);
      const wrong = answers.filter((answer, i) => answer !== 'damaged' && answer !== expected[i]);
      expect([path, bit, wrong]).toEqual([path, bit, []]);
      if (answers.includes('damaged')) found += 1;
      ranking.close();
      expect((await check(folder)).fault).not.toBeNull();
      flip(path, bit);
    }
    // most bits are in a block that was read
    expect(found).toBeGreaterThan(rounds / 2);
    expect(await check(folder)).toEqual({ fault: null });
  });

  it('calls onDamage when a damaged block is read', async () => {
    const folder = await written();
    flip(join(folder, 'order.u32'), 8 * 3);
    const told: string[] = [];
    const ranking = await openRanking(blobs, folder, ({ message }) => told.push(message));
    expect(told).toEqual([]);
    expect(() => ranking.usersAt(0, 1)).toThrow('block 0 of order.u32 does not match its checksum');
    expect(told).toHaveLength(1);
    ranking.close();
  });
});
