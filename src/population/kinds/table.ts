/** How each kind of feature is imported. A missing row is a compile error. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ColumnFacts } from './column-facts.ts';
import type { InferredKind, KindImport } from './kind-import.ts';
import { multi } from './multi.ts';
import { number } from './number.ts';
import { single } from './single.ts';
import { vector } from './vector.ts';

/** In the order in which a column is tried for them: any column may be `single`. */
export const KIND_IMPORTS: { readonly [K in FeatureKind]: KindImport } = { vector, number, multi, single };

/** The kind of a column; `notes` tell what to check. */
export function inferKind(facts: ColumnFacts, notes: string[]): InferredKind {
  for (const { infer } of Object.values(KIND_IMPORTS)) {
    const inferred = infer(facts, notes);
    if (inferred !== null) return inferred;
  }
  return { kind: 'single' };
}
