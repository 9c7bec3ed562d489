/** Table of imports by kind of feature. A kind that is missing from the table is a compile error. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ColumnFacts } from './column-facts.ts';
import type { InferredKind, KindImport } from './kind-import.ts';
import { multi } from './multi.ts';
import { number } from './number.ts';
import { single } from './single.ts';
import { vector } from './vector.ts';

/**
 * The kinds in the order in which inference tries them. `single` is last, because any column can be read as `single`.
 */
export const KIND_IMPORTS: { readonly [K in FeatureKind]: KindImport } = { vector, number, multi, single };

/** Infers the kind of a column. Things that a person should check are added to `notes`. */
export function inferKind(facts: ColumnFacts, notes: string[]): InferredKind {
  for (const { infer } of Object.values(KIND_IMPORTS)) {
    const inferred = infer(facts, notes);
    if (inferred !== null) return inferred;
  }
  return { kind: 'single' };
}
