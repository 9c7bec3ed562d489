/** The entry point of the package. It exports everything that other code may use. */

export { Adam } from './src/adam/adam.ts';
export {
  type AdaptationProgram,
  type AdaptationRun,
  buildStepGraph,
  type LabelledBatch,
  openAdaptation,
} from './src/adam/adam-program.ts';
export { compact, indexReader, needsIndexSession, type Parameters, putRows, takeRows } from './src/adam/compaction.ts';
export { type HeadProgram, headGraphs, openHeadProgram, splitHeads } from './src/descent/head-adaptation.ts';
export type { BlendedPart, HeadPosition, HeadRun, LinearChange, LogitPart } from './src/descent/head-run.ts';
export { type Design, fitLogisticRegression, type LogisticModel } from './src/descent/logistic-regression.ts';
export { assembleRows, type Part, readPart } from './src/descent/looked-up-rows.ts';
export { emptied, newSharedBody, type SharedBody } from './src/descent/shared-body.ts';
export { logitOf, spreadOf } from './src/descent/spread.ts';
export { GraphError, OnnxGradError, type OnnxGradErrorCode } from './src/errors.ts';
export { binaryCrossEntropy } from './src/graph/binary-cross-entropy.ts';
export { Builder } from './src/graph/builder.ts';
export { descentStep } from './src/graph/descent.ts';
export { addGradients, differentiate } from './src/graph/differentiate.ts';
export type { Graph, Node, Value } from './src/graph/ir.ts';
export { printGraph } from './src/graph/print.ts';
export { prune, pruneInputs } from './src/graph/prune.ts';
export { valuesReachedFrom } from './src/graph/reach.ts';
export {
  BYTES_PER_ELEMENT,
  type DataType,
  type Dim,
  elementCount,
  isConcrete,
  isFloat,
  numbersOf,
  type Shape,
  sameShape,
  type Tensor,
  type TensorData,
  tensor,
  typeText,
} from './src/graph/tensor.ts';
export { withInterface } from './src/graph/with-interface.ts';
export { filesFrom, filesIn, selfContained } from './src/onnx/external-data.ts';
export { readModel } from './src/onnx/read.ts';
export { writeModel } from './src/onnx/write.ts';
export type { OpType } from './src/ops/attributes.ts';
export { cutPools, type Pool, type PoolCut } from './src/rewrite/cut-pools.ts';
export { type CutTable, cutTables, type TableCut, trainableParameters } from './src/rewrite/cut-tables.ts';
export { exactSigmoid, exactSigmoids } from './src/rewrite/exact-sigmoid.ts';
export { findLinearTerm, type LinearTerm } from './src/rewrite/find-linear-term.ts';
export { fixMasks } from './src/rewrite/fixed-masks.ts';
export { foldShared } from './src/rewrite/fold-shared.ts';
export { leastCut, type RowCut } from './src/rewrite/least-cut.ts';
export { splitAt } from './src/rewrite/split-at.ts';
export { type Split, splitFrozen } from './src/rewrite/split-frozen.ts';
export { findPaddedTables, findTies, keepPaddingRows, tieWeights } from './src/rewrite/tie-weights.ts';
export { spellVectorProducts } from './src/rewrite/vector-products.ts';
export { productsInsideSums, weightedSumsAsProducts } from './src/rewrite/weighted-sums.ts';
export { inOwnMemory, sliceFeeds, takeFeeds } from './src/session/feed-rows.ts';
export {
  allFinite,
  CPU,
  type Device,
  type DeviceRequest,
  type Feeds,
  openSession,
  parseDevice,
  resolveDevice,
  runtimeVersion,
  type Session,
  type SessionOptions,
} from './src/session/session.ts';
export { openKernels } from './src/wasm.ts';
