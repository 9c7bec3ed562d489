/** The rule of choice, measured on data that it was not fitted on. */
import { describe, expect, it } from 'vitest';
import { type Alternatives, leaveOneOut, leaveOneOutTable } from '../../../packages/lab/quality/leave-one-out.ts';
import { wrapped } from './wrapped.ts';

const alternative = (name: string, auc: number[]) => ({ name, auc, precision: auc.map((x) => x / 2) });
/** Bold does best on two sets, careful on the third. */
const SETS: Alternatives = [
  { dataset: 'a', alternatives: [alternative('careful', [0.7, 0.72]), alternative('bold', [0.72, 0.75])] },
  { dataset: 'b', alternatives: [alternative('careful', [0.6, 0.6]), alternative('bold', [0.61, 0.62])] },
  { dataset: 'c', alternatives: [alternative('careful', [0.9, 0.9]), alternative('bold', [0.83, 0.85])] },
];

describe('leaveOneOut', () => {
  it('fits on all other data sets with equal weights, and measures on the one left out', () => {
    const results = leaveOneOut(SETS);
    // without a: careful .6 + .9, bold .615 + .84; without b: .71 + .9 and .735 + .84; without c: .71 + .6 and .735 +
    // .615
    expect(results.map(({ dataset, fitted, best }) => [dataset, fitted, best])).toEqual([
      ['a', 'careful', 'bold'],
      ['b', 'careful', 'bold'],
      ['c', 'bold', 'careful'],
    ]);
    const [a, , c] = results;
    expect(a!.gain.auc).toEqual({ mean: 0, low: 0, high: 0 });
    expect(a!.missed.mean).toBeCloseTo(-0.025, 12);
    expect(c).toMatchObject({ campaigns: 2, auc: expect.closeTo(0.84, 12) });
    expect(c!.gain.auc.mean).toBeCloseTo(-0.06, 12);
    expect(c!.gain.precision.mean).toBeCloseTo(-0.03, 12);
    expect(c!.gain.auc.low).toBeCloseTo(-0.07, 12);
    expect(c!.missed).toEqual(c!.gain.auc);
  });

  it('takes the first of equally good alternatives', () => {
    const equal = SETS.map(({ dataset }) => ({
      dataset,
      alternatives: [alternative('one', [0.5, 0.6]), alternative('two', [0.6, 0.5])],
    }));
    expect(leaveOneOut(equal).map(({ fitted }) => fitted)).toEqual(['one', 'one', 'one']);
  });

  it.each([
    [
      'alternatives in another order',
      [SETS[0]!, { dataset: 'b', alternatives: [...SETS[1]!.alternatives].reverse() }],
      /b has the alternatives bold, careful, not careful, bold/,
    ],
    [
      'an alternative twice',
      [0, 1].map((i) => ({ dataset: `d${i}`, alternatives: [alternative('x', [1]), alternative('x', [1])] })),
      /d0 lists the same alternative twice/,
    ],
    [
      'other numbers of campaigns',
      [SETS[0]!, { dataset: 'b', alternatives: [alternative('careful', [0.6]), alternative('bold', [0.6, 0.7])] }],
      /b, bold: 2 AUCs and 2 precisions for 1 campaigns/,
    ],
  ])('refuses %s', (_, sets, message) => {
    expect(() => leaveOneOut(sets)).toThrow(
      expect.objectContaining({ code: 'invalid_data', message: expect.stringMatching(message) }),
    );
  });
});

describe('leaveOneOutTable', () => {
  it('names the current default, and counts data sets where the fitted one is ahead of it', () => {
    expect(wrapped(leaveOneOutTable(SETS))).toMatchInlineSnapshot(`
      "| omitted data set | campaigns | best on all other data sets | AUC | AUC minus careful |
        precision@5% minus careful | best on this data set | AUC minus the best |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | a | 2 | careful | .7100 | .0000 | .000 | bold | **-.0250 [-.0300, -.0200]** |
      | b | 2 | careful | .6000 | .0000 | .000 | bold | **-.0150 [-.0200, -.0100]** |
      | c | 2 | bold | .8400 | **-.0600 [-.0700, -.0500]** | **-.030 [-.035, -.025]** | careful | **-.0600
        [-.0700, -.0500]** |

      Compared with careful, AUC is ahead in 0, level in 2, behind in 1 of 3 data sets; precision@5% is
        ahead in 0, level in 2, behind in 1."
    `);
  });
});
