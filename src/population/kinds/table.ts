/** How each kind of feature is imported. A kind without a row is a compile error. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ColumnFacts } from './column-facts.ts';
import type { InferredKind, KindImport } from './kind-import.ts';
import { multi } from './multi.ts';
import { number } from './number.ts';
import { single } from './single.ts';
import { vector } from './vector.ts';

/** In the order in which inference tries the kinds: `single` is last, because any column may be `single`. */
export const KIND_IMPORTS: { readonly [K in FeatureKind]: KindImport } = { vector, number, multi, single };

/** Infers the kind of a column; adds to `notes` what a person should check. */
export function inferKind(facts: ColumnFacts, notes: string[]): InferredKind {
  for (const { infer } of Object.values(KIND_IMPORTS)) {
    const inferred = infer(facts, notes);
    if (inferred !== null) return inferred;
  }
  return { kind: 'single' };
}
