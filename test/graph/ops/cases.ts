/** The cases of every op. An op without any is a compile error here, and a failing test. */
import { activationCases } from './activations.cases.ts';
import { elementwiseCases } from './elementwise.cases.ts';
import { gatherCases } from './gather.cases.ts';
import type { Cases } from './harness.ts';
import { logicCases } from './logic.cases.ts';
import { manyCases } from './many.cases.ts';
import { mathCases } from './math.cases.ts';
import { matrixCases } from './matrix.cases.ts';
import { reduceCases } from './reduce.cases.ts';
import { reductionsCases } from './reductions.cases.ts';
import { shapeCases } from './shape.cases.ts';

export const CASES: Cases = {
  ...activationCases,
  ...elementwiseCases,
  ...gatherCases,
  ...logicCases,
  ...manyCases,
  ...mathCases,
  ...matrixCases,
  ...reduceCases,
  ...reductionsCases,
  ...shapeCases,
};
