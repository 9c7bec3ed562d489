import { describe, expect, it } from 'vitest';
import { compareAll, type Stored } from './comparison.ts';
import { keyOf } from './sighting.ts';
import { emptyVerdict } from './verdict.ts';

const line = (rank: number, user: string, score = 1 / rank) => JSON.stringify({ rank, user_id: user, score });
const inputs = { campaign: 0, variant: 1, modelVersion: 'm', populationVersion: 'p', erased: 1 };
/** All candidates; the user with rank 2 is erased later. */
const expected = { digest: 'd', lines: [line(1, 'a'), line(3, 'c'), line(4, 'd'), line(5, 'e')] };
const seen: Stored = {
  ...inputs,
  name: 'x, version 1',
  version: 1,
  expansion: 'e',
  made: { from: 100, to: 200 },
  size: 3,
  digest: 'd',
  lines: [line(1, 'a'), line(2, 'gone'), line(3, 'c')],
};

function differencesOf(change: Partial<Stored>, erasures = [{ from: 300, to: 400 }]): string[] {
  const verdict = emptyVerdict();
  const reference = new Map([[keyOf(inputs), expected]]);
  compareAll(
    [{ ...seen, ...change }],
    { reference, erased: new Set(['gone']), erasures, hasClockJumped: false },
    verdict,
  );
  expect(verdict.audiencesCompared).toBe(1);
  return verdict.different;
}

describe('a served audience and the audience of an undisturbed service', () => {
  it('are equal whether or not the users erased since are listed', () => {
    expect(differencesOf({})).toEqual([]);
    expect(differencesOf({ lines: [line(1, 'a'), line(3, 'c')] })).toEqual([]);
  });

  it.each<[string, Partial<Stored>, string]>([
    ['another user', { lines: [line(1, 'a'), line(3, 'x')] }, 'other rows'],
    ['another score', { lines: [line(1, 'a'), line(3, 'c', 0.1)] }, 'other rows'],
    ['a row too few', { lines: [line(1, 'a')] }, 'other rows'],
    ['a row too many', { lines: [line(1, 'a'), line(3, 'c'), line(4, 'd')] }, 'other rows'],
    ['another ranking', { digest: 'x' }, 'another ranking'],
    ['inputs that did not occur', { variant: 2 }, 'nothing to compare'],
  ])('differ by %s', (_, change, what) => {
    expect(differencesOf(change)).toEqual([expect.stringContaining(what)]);
  });

  it('may differ only in ranks if a user was erased while the audience was made', () => {
    const erasures = [{ from: 150, to: 160 }];
    const moved = [line(1, 'a'), line(2, 'c', 1 / 3), line(3, 'd', 1 / 4)];
    expect(differencesOf({ digest: 'x', lines: moved }, erasures)).toEqual([]);
    expect(differencesOf({ digest: 'x', lines: moved })).toHaveLength(1);
    expect(differencesOf({ lines: [line(1, 'c', 1 / 3), line(2, 'a')] }, erasures)).toHaveLength(1);
  });
});
