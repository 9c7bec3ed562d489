/** The cases of every op. An op without any is a compile error here, and a failing test. */
import { elementwiseCases } from './elementwise.cases.ts';
import { gatherCases } from './gather.cases.ts';
import type { Cases } from './harness.ts';
import { logicCases } from './logic.cases.ts';
import { matrixCases } from './matrix.cases.ts';
import { reduceCases } from './reduce.cases.ts';
import { shapeCases } from './shape.cases.ts';

export const CASES: Cases = {
  ...elementwiseCases,
  ...gatherCases,
  ...logicCases,
  ...matrixCases,
  ...reduceCases,
  ...shapeCases,
};
