/** Who is held out: a share of all users, decided by the campaign's key alone. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HoldOut } from '../../src/domain/hold-out.ts';
import { SipHash } from '../../src/lib/sip-hash.ts';

const KEY = 'ab'.repeat(32);
const USERS = 100_000;
const heldOut = (key: string, percent: number) => {
  const holdout = new HoldOut(key, percent);
  return Array.from({ length: USERS }, (_, user) => user).filter((user) => holdout.has(user));
};

describe('HoldOut', () => {
  it('is SipHash of user numbers with the hash of the key, in any order of calls', () => {
    const holdout = new HoldOut(KEY, 10);
    const hash = new SipHash(createHash('sha256').update(KEY).digest());
    for (const user of [7, 8, 0, 99_999, 3, 4_294_967_295, 12])
      expect(holdout.has(user), `${user}`).toBe(hash.wordOf(user) < 0.1 * 2 ** 32);
  });

  it('holds out the requested share, and at a higher percentage the same users and more', () => {
    const [ten, fifty] = [heldOut(KEY, 10), heldOut(KEY, 50)];
    // five standard deviations
    expect(Math.abs(ten.length / USERS - 0.1)).toBeLessThan(5 * Math.sqrt((0.1 * 0.9) / USERS));
    expect(Math.abs(fifty.length / USERS - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / USERS));
    const all = new Set(fifty);
    expect(ten.filter((user) => !all.has(user))).toEqual([]);
  });

  it('holds out other users for each campaign', () => {
    const others = new Set(heldOut('cd'.repeat(32), 10));
    const both = heldOut(KEY, 10).filter((user) => others.has(user)).length;
    expect(Math.abs(both / USERS - 0.01)).toBeLessThan(5 * Math.sqrt((0.01 * 0.99) / USERS));
  });

  it('shows its key in no text', () => {
    const holdout = new HoldOut(KEY, 10);
    expect(`${JSON.stringify(holdout)} ${inspect(holdout, { showHidden: true })}`).not.toContain('abab');
  });
});
