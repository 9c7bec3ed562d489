/** The verdicts compared with the best of the other methods. */
import { describe, expect, it } from 'vitest';
import { bestBaselineTable, compareWithBest, verdictOf } from '../../../packages/lab/quality/best-baseline.ts';
import { interval, reportOf } from './reports.ts';
import { wrapped } from './wrapped.ts';

const REPORT = reportOf(
  {
    metaheac: { auc: 0.8, precision: 0.2 },
    one: {
      auc: 0.79,
      precision: 0.25,
      ahead: { auc: interval(0.01, 0.005, 0.015), precision: interval(-0.05, -0.06, -0.04) },
    },
    other: { auc: 0.7, precision: 0.1, ahead: { auc: interval(0.1), precision: interval(0.1) } },
  },
  ['small', 'all'],
);

describe('verdictOf', () => {
  it.each([
    [interval(0.01, 0.001, 0.02), 'ahead'],
    [interval(0.01, -0.001, 0.02), 'level'],
    [interval(0, 0, 0.02), 'level'],
    [interval(-0.01, -0.02, -0.001), 'behind'],
    // one campaign
    [interval(0.3, 0.3, 0.3), 'level'],
  ] as const)('of %j is %s', (difference, verdict) => {
    expect(verdictOf(difference)).toBe(verdict);
  });
});

describe('compareWithBest', () => {
  it('picks the best by each measure on each group', () => {
    const report = reportOf({
      metaheac: { auc: 0.8, precision: 0.2 },
      precise: { auc: 0.7, precision: 0.25, ahead: { auc: interval(0.1), precision: interval(-0.05) } },
      smooth: { auc: 0.81, precision: 0.1, ahead: { auc: interval(-0.01, -0.03, 0.01), precision: interval(0.1) } },
    });
    expect(
      compareWithBest(report).map(({ measure, best, theirs, verdict }) => [measure, best, theirs, verdict]),
    ).toEqual([
      ['AUC', 'smooth', 0.81, 'level'],
      ['precision@5%', 'precise', 0.25, 'behind'],
    ]);
  });

  it('is empty for a report of the model alone', () => {
    expect(compareWithBest(reportOf({ metaheac: { auc: 0.8, precision: 0.2 } }))).toEqual([]);
  });
});

describe('bestBaselineTable', () => {
  it('has one row per data set and group, and counts verdicts by data set and by group', () => {
    expect(wrapped(bestBaselineTable([{ name: 'films', report: REPORT }]))).toMatchInlineSnapshot(`
      "| data set | group | AUC | best of the others | difference | verdict | precision@5% | best of the
        others | difference | verdict |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      | films | small | .8000 | one .7900 | **+.0100 [+.0050, +.0150]** | ahead | .200 | one .250 |
        **-.050 [-.060, -.040]** | behind |
      | films | all | .8000 | one .7900 | **+.0100 [+.0050, +.0150]** | ahead | .200 | one .250 | **-.050
        [-.060, -.040]** | behind |

      AUC over all campaigns: ahead in 1, level in 0, behind in 0 of 1 data sets. AUC in small or large
        campaigns: ahead in 1, level in 0, behind in 0 of 1 groups.

      precision@5% over all campaigns: ahead in 0, level in 0, behind in 1 of 1 data sets. precision@5% in
        small or large campaigns: ahead in 0, level in 0, behind in 1 of 1 groups."
    `);
  });
});
