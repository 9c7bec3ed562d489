import { describe, expect, it } from 'vitest';
import type { Span } from '../corruption.ts';
import { emptyVerdict } from '../verdict.ts';
import { checkRefreshes, checkVersions, type Refresh, type Versions } from './schedules.ts';

/** An expansion of the campaign `c` that begins at a second, and takes two. */
const at = (second: number, cause = 'interval', seconds = 2): Refresh => ({
  campaign: 'c',
  cause,
  createdAt: second * 1000,
  endedAt: (second + seconds) * 1000,
});

/** Two nodes that nothing disturbed. */
const CALM = [[], []];

describe('refreshes by schedule', () => {
  const check = (all: readonly Refresh[], until: number, disturbances: readonly Span[][] = CALM) => {
    const verdict = emptyVerdict();
    const refreshes = checkRefreshes(all, { until, disturbances }, verdict);
    return { refreshes, missed: verdict.lost.length, doubled: verdict.doubled.length };
  };

  it('are complete if each begins within an interval after it was due', () => {
    const all = [at(0, 'created'), at(61), at(180), at(241)];
    expect(check(all, 300_000)).toEqual({ refreshes: 3, missed: 0, doubled: 0 });
  });

  it('wait for an expansion that takes longer than the interval', () => {
    expect(check([at(0, 'created', 200), at(203)], 250_000).missed).toBe(0);
  });

  it('may be late while both nodes are disturbed', () => {
    const span = (from: number, to: number) => ({ from: from * 1000, to: to * 1000 });
    const late = (...nodes: Span[][]) => check([at(0, 'created'), at(130)], 150_000, nodes).missed;
    expect(late([span(50, 90)], [span(70, 80), span(85, 200)])).toBe(0);
    expect(late([span(50, 90)], [])).toBe(1);
  });

  it.each<[string, readonly Refresh[], number, 'missed' | 'doubled']>([
    ['one is left out', [at(0, 'created'), at(61), at(185)], 190_000, 'missed'],
    ['none comes after the last one', [at(0, 'created'), at(61)], 190_000, 'missed'],
    ['two leaders begin the same', [at(0, 'created'), at(61), at(64)], 100_000, 'doubled'],
  ])('break their promise if %s', (_, all, until, what) => {
    expect(check(all, until)[what]).toBe(1);
  });
});

describe('retention', () => {
  function check(versions: Omit<Versions, 'campaign'>) {
    const verdict = { lost: [], leftOver: [] };
    checkVersions([{ campaign: 'c', ...versions }], verdict);
    return verdict;
  }

  it('removes the versions that have grown old', () => {
    expect(check({ found: [3, 5], old: [1, 2, 4] })).toEqual({ lost: [], leftOver: [] });
  });

  it('breaks its promise if it leaves an old version, or removes another', () => {
    expect(check({ found: [1, 3, 4], old: [1] })).toEqual({
      lost: ['c: version 2, which was not old'],
      leftOver: ['c: the old version 1'],
    });
  });
});
