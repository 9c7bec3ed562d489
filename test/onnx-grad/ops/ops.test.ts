/** Every op of the table, in ONNX Runtime: types, forward, and gradients of order 1 and 2 by central differences. */
import { describe, expect, test } from 'vitest';
import type { OpType } from '../../../packages/onnx-grad/src/ops/attributes.ts';
import { OPS } from '../../../packages/onnx-grad/src/ops/table.ts';
import { IS_LONG, IS_USUAL } from '../../fixture/size.ts';
import { CASES } from './cases.ts';
import { check, type OpCases, trialsOf } from './harness.ts';

describe.each(Object.keys(OPS) as OpType[])('%s', (op) => {
  const cases: OpCases<OpType> | undefined = CASES[op] as OpCases<OpType> | undefined;

  test('has cases', () => {
    expect(cases?.cases.length ?? 0).toBeGreaterThan(0);
  });

  // usually every third trial, alternately with and without named sizes; the others in `slow`
  const trials = cases ? trialsOf(op, cases).filter((_, i) => (i % 3 === 0 ? IS_USUAL : IS_LONG)) : [];
  for (const trial of trials) {
    test(trial.title, () => check(trial, cases!));
  }
});
