/** Episodes: disjoint batches, however few rows there are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { LabelledRows } from '../../src/training/history/history.ts';
import { sampleEpisode } from '../../src/training/meta/episodes.ts';

/** `count` rows of the users 100, 101, .., the first `members` of them members. */
const rowsOf = (count: number, members: number): LabelledRows => ({
  users: Int32Array.from({ length: count }, (_, i) => 100 + i),
  labels: Uint8Array.from({ length: count }, (_, i) => (i < members ? 1 : 0)),
});

const campaigns = fc
  .record({
    count: fc.integer({ min: 1, max: 60 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    key: fc.string(),
  })
  .map(({ count, share, key }) => ({ rows: rowsOf(count, Math.max(1, Math.round(share * count))), key }));
const batches = fc.integer({ min: 1, max: 20 });

describe('sampleEpisode', () => {
  it('samples two disjoint batches of the requested size, with the labels of their rows', () => {
    fc.assert(
      fc.property(campaigns, batches, ({ rows, key }, batch) => {
        const { support, query } = sampleEpisode(createRng(key), rows, batch);
        for (const { users, labels } of [support, query]) {
          expect([users.length, labels.length]).toEqual([batch, batch]);
          users.forEach((user, i) => {
            expect(labels[i]).toBe(rows.labels[user - 100]);
          });
        }
        const inSupport = new Set(support.users);
        if (rows.users.length > 1) expect([...query.users].some((user) => inSupport.has(user))).toBe(false);
        // enough rows: none is drawn twice
        if (rows.users.length >= 2 * batch) expect(new Set([...support.users, ...query.users]).size).toBe(2 * batch);
      }),
    );
  });

  it('splits 20 rows in halves that both have members and others, and samples all of them for batches of 512', () => {
    const rows = rowsOf(20, 5);
    for (let i = 0; i < 20; i++) {
      const { support, query } = sampleEpisode(createRng(`draw ${i}`), rows, 512);
      const [left, right] = [new Set(support.users), new Set(query.users)];
      expect([left.size, right.size]).toEqual([10, 10]);
      expect(new Set([...left, ...right]).size).toBe(20);
      for (const half of [left, right]) {
        const members = [...half].filter((user) => user < 105).length;
        expect([2, 3]).toContain(members);
      }
    }
  });

  it('puts each of two rows in a batch of its own', () => {
    const { support, query } = sampleEpisode(createRng('two rows'), rowsOf(2, 1), 4);
    expect(new Set(support.users).size).toBe(1);
    expect(new Set(query.users).size).toBe(1);
    expect(support.users[0]).not.toBe(query.users[0]);
  });

  it('takes a single row for both', () => {
    const { support, query } = sampleEpisode(createRng('a row'), rowsOf(1, 1), 3);
    expect([...support.users, ...query.users]).toEqual([100, 100, 100, 100, 100, 100]);
    expect([...support.labels]).toEqual([1, 1, 1]);
  });
});
