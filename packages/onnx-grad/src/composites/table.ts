/** The table of composite ops. The project does not compile if an op or its test case is missing. */
import * as activations from './activations.ts';
import * as layers from './layers.ts';
import * as normalizations from './normalizations.ts';
import type { CompositeOp, CompositeSpec } from './spec.ts';

export const COMPOSITES: { readonly [K in CompositeOp]: CompositeSpec<K> } = {
  BatchNormalization: normalizations.BatchNormalization,
  CastLike: layers.CastLike,
  Celu: activations.Celu,
  Conv: layers.Conv,
  Dropout: layers.Dropout,
  Gelu: activations.Gelu,
  GlobalAveragePool: layers.GlobalAveragePool,
  GroupNormalization: normalizations.GroupNormalization,
  HardSwish: activations.HardSwish,
  InstanceNormalization: normalizations.InstanceNormalization,
  LayerNormalization: normalizations.LayerNormalization,
  Mish: activations.Mish,
  ReduceLogSum: layers.ReduceLogSum,
};

/** Whether `op` is a composite op, which may occur in a file but is replaced by other nodes in a graph. */
export function isComposite(op: string): op is CompositeOp {
  return Object.hasOwn(COMPOSITES, op);
}
