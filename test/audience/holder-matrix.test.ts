/** The matrix of audiences gives the same answers as separate indexes, while indexes come and go. */
import { describe, expect, it } from 'vitest';
import { HolderMatrix } from '../../src/audience/holder-matrix.ts';
import { buildMemberIndex, type MemberIndex } from '../../src/audience/member-index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { whole } from '../fixture/whole-audience.ts';

const rng = createRng('holder matrix');

/** The index of all users among `userCount` for whom `isMember` is true. */
function indexOf(userCount: number, isMember: (user: number) => boolean): MemberIndex {
  const order = Uint32Array.from({ length: userCount }, (_, user) => user).filter(isMember);
  const steps = buildMemberIndex(
    {
      userCount,
      candidates: order.length,
      usersAt: (from, count) => order.slice(from, from + count),
      scoresFrom: (from, count) => new Float32Array(Math.min(count, userCount - from)),
    },
    whole(order.length),
  );
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

describe('HolderMatrix', () => {
  it('finds the columns that contain a user, while audiences come and go', () => {
    const matrix = new HolderMatrix();
    let all: MemberIndex[] = [];
    for (let round = 0; round < 12; round++) {
      // later indexes have more users
      const made = Array.from({ length: 9 }, () => indexOf(100 + 10 * round, () => rng.integer(4) === 0));
      all = [...all.filter(() => rng.integer(6) > 0), ...made];
      matrix.hold(new Set(all));
      for (let user = 0; user < 240; user++) {
        const expected = all.filter((one) => one.has(user)).map((one) => matrix.columnOf(one)!);
        expect([...matrix.find(user)].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
      }
    }
    expect(all.length).toBeGreaterThan(32);
    expect(new Set(all.map((one) => matrix.columnOf(one))).size).toBe(all.length);
    matrix.hold(new Set());
    expect([...Array(240).keys()].flatMap((user) => [...matrix.find(user)])).toEqual([]);
  });

  it('reuses the columns of removed audiences for new ones', () => {
    const matrix = new HolderMatrix();
    const [a, b, c] = [0, 1, 2].map((least) => indexOf(40, (user) => user >= least)) as [
      MemberIndex,
      MemberIndex,
      MemberIndex,
    ];
    matrix.hold(new Set([a, b]));
    matrix.hold(new Set([b, c]));
    expect([matrix.width, matrix.columnOf(a), matrix.columnOf(b), matrix.columnOf(c)]).toEqual([2, undefined, 1, 0]);
    expect([...matrix.find(1)]).toEqual([1]);
  });
});
