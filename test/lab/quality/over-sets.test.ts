/** Results over all data sets. */
import { describe, expect, it } from 'vitest';
import { meanOverSets, overSetsTable } from '../../../packages/lab/quality/over-sets.ts';
import { interval, type MadeUp, reportOf } from './reports.ts';
import { wrapped } from './wrapped.ts';

const model: MadeUp = { auc: 0.8, precision: 0.2 };
const other = (auc: number, precision: number): MadeUp => ({
  auc: model.auc - auc,
  precision: model.precision - precision,
  ahead: { auc: interval(auc, auc - 0.003, auc + 0.004), precision: interval(precision) },
});
const FILMS = reportOf({ metaheac: model, ridge: other(0.01, -0.02), centroid: other(0.1, 0.1) }, ['small', 'all']);
const ORDERS = reportOf({ metaheac: model, ridge: other(-0.004, 0.03), published: other(0.2, 0.1) }, ['all']);

describe('meanOverSets', () => {
  it('has an interval that shrinks with the square root of the number of data sets', () => {
    const { mean, low, high } = meanOverSets([interval(0.1, 0.07, 0.18), interval(0.3, 0.26, 0.36)]);
    expect(mean).toBeCloseTo(0.2, 12);
    expect(low).toBeCloseTo(0.2 - Math.hypot(0.03, 0.04) / 2, 12);
    expect(high).toBeCloseTo(0.2 + Math.hypot(0.08, 0.06) / 2, 12);
  });
});

describe('overSetsTable', () => {
  it('compares with the best of each and with the methods that all have, and names groups that are behind', () => {
    const named = [
      { name: 'films', report: FILMS },
      { name: 'orders', report: ORDERS },
    ];
    expect(wrapped(overSetsTable(named))).toMatchInlineSnapshot(`
      "| metaheac minus (mean of 2 data sets) | AUC | groups behind | worst group | precision@5% | groups
        behind | worst group |
      | --- | --- | --- | --- | --- | --- | --- |
      | the best other method | **+.0030 [+.0009, +.0058]** | 0 of 2 | -.0040 [-.0070, .0000] (orders all)
        | +.005 [-.002, +.012] | 1 of 2 | **-.020 [-.030, -.010]** (films small) |
      | ridge | **+.0030 [+.0009, +.0058]** | 0 of 2 | -.0040 [-.0070, .0000] (orders all) | +.005 [-.002,
        +.012] | 1 of 2 | **-.020 [-.030, -.010]** (films small) |

      AUC: no group is behind the best other method by more than the interval.

      precision@5%: films small **-.020 [-.030, -.010]** is behind the best other method by more than the
        interval."
    `);
  });
});
