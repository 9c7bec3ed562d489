/** The only entry point of the graph library: everything that code outside this folder may use. */

export { binaryCrossEntropy } from './binary-cross-entropy.ts';
export { Builder } from './builder.ts';
export { cutPools, type Pool, type PoolCut } from './cut-pools.ts';
export { type CutTable, cutTables, type TableCut, trainableParameters } from './cut-tables.ts';
export { descentStep } from './descent.ts';
export { addGradients, differentiate } from './differentiate.ts';
export { GraphError } from './error.ts';
export { exactSigmoid, exactSigmoids } from './exact-sigmoid.ts';
export { filesFrom, filesIn, selfContained } from './external-data.ts';
export { findLinearTerm, type LinearTerm } from './find-linear-term.ts';
export { fixMasks } from './fixed-masks.ts';
export { foldShared } from './fold-shared.ts';
export {
  BYTES_PER_ELEMENT,
  type DataType,
  type Dim,
  elementCount,
  type Graph,
  isConcrete,
  isFloat,
  type Node,
  numbersOf,
  type Shape,
  sameShape,
  type Tensor,
  type TensorData,
  tensor,
  typeText,
  type Value,
} from './ir.ts';
export type { OpType } from './ops/attributes.ts';
export { printGraph } from './print.ts';
export { prune, pruneInputs } from './prune.ts';
export { valuesReachedFrom } from './reach.ts';
export { readModel } from './read.ts';
export { type Split, splitFrozen } from './split-frozen.ts';
export { findPaddedTables, findTies, keepPaddingRows, tieWeights } from './tie-weights.ts';
export { spellVectorProducts } from './vector-products.ts';
export { weightedSumsAsProducts } from './weighted-sums.ts';
export { withInterface } from './with-interface.ts';
export { writeModel } from './write.ts';
