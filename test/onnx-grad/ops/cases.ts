/** The cases of every op. An op without any is a compile error here, and a failing test. */

import { activationCases } from './activations.cases.ts';
import { einsumCases } from './einsum.cases.ts';
import { elementwiseCases } from './elementwise.cases.ts';
import { gatherCases } from './gather.cases.ts';
import { generateCases } from './generate.cases.ts';
import type { Cases } from './harness.ts';
import { logicCases } from './logic.cases.ts';
import { manyCases } from './many.cases.ts';
import { mathCases } from './math.cases.ts';
import { matrixCases } from './matrix.cases.ts';
import { reduceCases } from './reduce.cases.ts';
import { reductionsCases } from './reductions.cases.ts';
import { shapeCases } from './shape.cases.ts';
import { slicesCases } from './slices.cases.ts';

export const CASES: Cases = {
  ...einsumCases,
  ...activationCases,
  ...elementwiseCases,
  ...gatherCases,
  ...generateCases,
  ...logicCases,
  ...manyCases,
  ...mathCases,
  ...matrixCases,
  ...reduceCases,
  ...reductionsCases,
  ...shapeCases,
  ...slicesCases,
};
