/** Lift, interval and evidence: plain cases by hand, and the coverage of the interval by simulation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { associate } from '../../src/audience/association.ts';
import { createRng } from '../../src/lib/rng.ts';

describe('associate', () => {
  it('is the ratio of the shares', () => {
    const { lift, low, high, z } = associate({ a: 30, p: 100, members: 100, users: 1000 });
    expect(lift).toBe(3);
    expect(low).toBeGreaterThan(2);
    expect(high).toBeLessThan(4.5);
    expect(z).toBeCloseTo(20 / Math.sqrt((10 * 0.9 * 900) / 999), 10);
  });

  it('has no evidence when everybody has the token, or everybody is a member, or nobody', () => {
    expect(associate({ a: 10, p: 50, members: 10, users: 50 })).toMatchObject({ lift: 1, z: 0 });
    expect(associate({ a: 20, p: 20, members: 50, users: 50 })).toMatchObject({ lift: 1, z: 0 });
    expect(associate({ a: 0, p: 20, members: 0, users: 50 })).toMatchObject({ lift: 0, z: 0 });
    expect(associate({ a: 1, p: 1, members: 1, users: 1 })).toMatchObject({ lift: 1, z: 0 });
  });

  it('returns finite numbers around the lift, on the same side of 1 as z, for any counts', () => {
    const counts = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000));
    fc.assert(
      fc.property(counts, ([both, onlyToken, onlyMember, neither]) => {
        fc.pre(both + onlyToken > 0);
        const members = both + onlyMember;
        const users = members + onlyToken + neither;
        const { lift, low, high, z } = associate({ a: both, p: both + onlyToken, members, users });
        for (const value of [lift, low, high, z]) expect(Number.isFinite(value)).toBe(true);
        expect(low).toBeLessThanOrEqual(lift);
        expect(lift).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(0);
        if (z > 1e-9) expect(lift).toBeGreaterThan(1);
        if (z < -1e-9) expect(lift).toBeLessThan(1);
      }),
    );
  });

  it.each([
    ['a token associated with the audience', [0.04, 0.06, 0.06, 0.84]],
    ['one associated negatively with it', [0.02, 0.28, 0.18, 0.52]],
    ['a random one', [0.03, 0.17, 0.12, 0.68]],
    ['an audience of nearly everybody', [0.27, 0.03, 0.63, 0.07]],
  ])('holds the true lift of %s 95 times in 100', (_name, cells) => {
    const rng = createRng('coverage of the interval');
    const [both, onlyToken, onlyMember] = cells as [number, number, number, number];
    const truth = both / ((both + onlyMember) * (both + onlyToken));
    const draws = 800;
    let held = 0;
    for (let draw = 0; draw < draws; draw++) {
      let [a, p, members] = [0, 0, 0];
      for (let user = 0; user < 1000; user++) {
        const at = rng.integer(1_000_000) / 1_000_000;
        const hasToken = at < both + onlyToken;
        if (hasToken) p++;
        if (at < both || (at >= both + onlyToken && at < both + onlyToken + onlyMember)) {
          members++;
          if (hasToken) a++;
        }
      }
      const { low, high } = associate({ a, p, members, users: 1000 });
      if (low <= truth && truth <= high) held++;
    }
    expect(held / draws).toBeGreaterThan(0.93);
    expect(held / draws).toBeLessThan(0.975);
  });
});
