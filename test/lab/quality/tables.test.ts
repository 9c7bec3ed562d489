/** The tables of a quality run. */
import { describe, expect, it } from 'vitest';
import type { Training } from '../../../packages/lab/quality/bench-run.ts';
import type { AblationResult, WholeResult } from '../../../packages/lab/quality/parts.ts';
import { type DataSetResults, renderTables } from '../../../packages/lab/quality/tables.ts';
import type { Difference, Summary } from '../../../src/training/evaluation/summary.ts';

const interval = (mean: number, low: number, high: number) => ({ mean, low, high });
const TRAINING = { steps: 20, bestStep: 10, finalSteps: 0, seconds: 7.4 } as Training;
const SUMMARY = {
  all: { campaigns: 3, auc: interval(0.81234, 0.8, 0.82), precision: { '0.05': interval(0.3, 0.2, 0.4) } },
} as unknown as Summary;
const REFERENCE: WholeResult = { repeats: 2, training: TRAINING, summary: SUMMARY, qualities: [] };

function ablation(auc: [number, number, number], training: Training | null = null): AblationResult {
  const difference: Difference = {
    all: { auc: interval(...auc), precision: { '0.05': interval(0.001, -0.01, 0.012) } },
  };
  return { training, difference };
}

const setOf = (name: string, ablations: readonly [string, AblationResult][]): DataSetResults => ({
  name,
  main: null,
  reference: REFERENCE,
  ablations: new Map(ablations),
});

describe('renderTables', () => {
  it('says on how many data sets an omitted part is clearly missed, or harmful', () => {
    const tables = renderTables([
      setOf('one', [
        ['no-cut', ablation([-0.002, -0.003, -0.001])],
        ['fixed-steps', ablation([0.00002, -0.01, 0.01])],
      ]),
      setOf('two', [['no-cut', ablation([0.002, 0.001, 0.003])]]),
    ]);
    expect(tables.get('ablations')).toMatchInlineSnapshot(`
      "| without                        | AUC, one                    | AUC, two                    | helps clearly on   |
      | ------------------------------ | --------------------------- | --------------------------- | ------------------ |
      | the cut                        | **-.0020 [-.0030, -.0010]** | **+.0020 [+.0010, +.0030]** | 1 of 2, harms on 1 |
      | steps that grow with the seeds | .0000 [-.0100, +.0100]      | -                           | 0 of 1             |"
    `);
  });

  it('has the reference first if ablations are shown by group', () => {
    const table = renderTables([setOf('one', [['no-cut', ablation([-0.002, -0.003, -0.001])]])]).get(
      'ablations by group',
    );
    expect(table).toMatchInlineSnapshot(`
      "**one**, the best of 20 steps, mean of 2 repeats

      | without                  | AUC all                     | precision@5% all     |
      | ------------------------ | --------------------------- | -------------------- |
      | (nothing: the reference) | .8123                       | .300                 |
      | the cut                  | **-.0020 [-.0030, -.0010]** | +.001 [-.010, +.012] |"
    `);
  });

  it('leaves out tables of parts that were not run', () => {
    expect([...renderTables([setOf('one', [])]).keys()]).toEqual(['seconds']);
  });
});
