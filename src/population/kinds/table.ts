/** How each kind of feature is imported. A missing row is a compile error. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ColumnFacts } from './column-facts.ts';
import type { InferredKind, KindImport } from './kind-import.ts';
import { multi } from './multi.ts';
import { number } from './number.ts';
import { single } from './single.ts';
import { vector } from './vector.ts';

/** In the order in which inference tries them: any column may be `single`. */
export const KIND_IMPORTS: { readonly [K in FeatureKind]: KindImport } = { vector, number, multi, single };

/** The kind of a column; adds what to check to `notes`. */
export function inferKind(facts: ColumnFacts, notes: string[]): InferredKind {
  for (const { infer } of Object.values(KIND_IMPORTS)) {
    const inferred = infer(facts, notes);
    if (inferred !== null) return inferred;
  }
  return { kind: 'single' };
}
