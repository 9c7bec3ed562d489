/** The rows of the three rules, and the tables of the effect of filters, by hand. */
import { describe, expect, it } from 'vitest';
import { rowsFor, splitOf } from './campaigns.ts';
import type { Measured } from './measure.ts';
import { describePredictions, describeRandom, describeRules } from './tables.ts';

describe('rowsFor', () => {
  const split = splitOf(Uint8Array.of(0, 0, 0, 1, 1, 1));
  const seeds = Int32Array.of(1, 4);

  it('takes negatives from everyone, from users who fit, or from both sides', () => {
    expect(rowsFor('unfiltered', seeds, split)).toEqual({ seeds, candidates: Int32Array.of(0, 2, 3, 5) });
    expect(rowsFor('filtered', seeds, split)).toEqual({ seeds, candidates: Int32Array.of(0, 2) });
    expect(rowsFor('matched', seeds, split)).toEqual({
      ...{ seeds, candidates: Int32Array.of(0, 2) },
      outside: { seeds: Int32Array.of(4), others: Int32Array.of(3, 5), dismissed: new Int32Array(0) },
    });
  });
});

const measured = (change: Partial<Measured>): Measured => ({
  ...{ filter: 'DE', kind: 'from everywhere', id: 'a', fitting: 20, verdict: 'good' },
  auc: { unfiltered: 0.8, filtered: 0.7, matched: 0.81 },
  checks: {
    auc: { predicted: 0.75, low: 0.7, high: 0.8, truth: 0.79 },
    'recall 0.05': { predicted: 0.2, low: 0.1, high: 0.3, truth: 0.4 },
    'recall 0.2': { predicted: 0.5, low: 0.4, high: 0.6, truth: 0.6 },
  },
  ...change,
});

describe('tables of the effect of filters', () => {
  const all = [
    measured({}),
    measured({ id: 'b', auc: { unfiltered: 0.6, filtered: 0.6, matched: 0.6 }, verdict: 'unsure' }),
    measured({ id: 'c', kind: 'all fit', checks: null }),
  ];

  it('compares rules with the ranking of everyone', () => {
    expect(describeRules(all)).toBe(
      [
        '| filter | seeds           | campaigns | unfiltered | filtered        | matched         |',
        '| ------ | --------------- | --------- | ---------- | --------------- | --------------- |',
        '| DE     | from everywhere | 2         | .700       | -.0500 +- .0500 | +.0050 +- .0050 |',
        '| DE     | all fit         | 1         | .800       | -.1000 +- .0000 | +.0100 +- .0000 |',
        '| all    | from everywhere | 2         | .700       | -.0500 +- .0500 | +.0050 +- .0050 |',
        '| all    | all fit         | 1         | .800       | -.1000 +- .0000 | +.0100 +- .0000 |',
      ].join('\n'),
    );
  });

  it('counts the intervals that hold, and the truly good campaigns that are called good', () => {
    const [, , first, second] = describePredictions(all).split('\n');
    expect(
      first!
        .split('|')
        .map((cell) => cell.trim())
        .slice(3, -1),
    ).toEqual([...['2 of 2', '20', '-.040', '100 %', '0 %', '100 %', '1 of 2']]);
    expect(second).toMatch(/all fit +\| 0 of 1 +\| - +\| - +\| - +\| - +\| - +\| 0 of 0 +\|$/);
  });

  it('shows the predictions for random seeds', () => {
    const sets = [
      { filter: 'DE', fitting: 9, verdict: 'weak', auc: 0.4 },
      { filter: 'DE', fitting: 8, verdict: 'unsure', auc: 0.6 },
      { filter: 'DE', fitting: 3, verdict: 'unsure', auc: null },
    ] as const;
    expect(describeRandom(sets).split('\n')[2]).toMatch(/DE +\| 3 +\| 2 +\| \.500 \+- \.100 +\| 0 +\| 2 +\| 1 +\|$/);
  });
});
