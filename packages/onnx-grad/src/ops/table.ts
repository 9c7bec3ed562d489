/**
 * The table of ops: everything that the files of the op families export, and nothing else. The project does not compile
 * if an op or its test case is missing.
 */

import * as activations from './activations.ts';
import type { OpType } from './attributes.ts';
import * as einsum from './einsum.ts';
import * as elementwise from './elementwise.ts';
import * as extremes from './extremes.ts';
import * as gather from './gather.ts';
import * as generate from './generate.ts';
import * as logic from './logic.ts';
import * as many from './many.ts';
import * as math from './math.ts';
import * as matrix from './matrix.ts';
import * as power from './power.ts';
import * as reduce from './reduce.ts';
import * as shape from './shape.ts';
import * as slices from './slices.ts';
import type { OpSpec } from './spec.ts';

export const OPS: { readonly [K in OpType]: OpSpec<K> } = {
  ...activations,
  ...einsum,
  ...elementwise,
  ...extremes,
  ...gather,
  ...generate,
  ...logic,
  ...many,
  ...math,
  ...matrix,
  ...power,
  ...reduce,
  ...shape,
  ...slices,
};

/** Whether a graph may contain `op`. */
export function isOp(op: string): op is OpType {
  return Object.hasOwn(OPS, op);
}
