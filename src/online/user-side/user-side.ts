/** The part of scoring that depends on users alone, computed for some rows of a population. */
import type { Tensor } from '../../../packages/onnx-grad/index.ts';
import type { TokenLists } from '../scoring/pools.ts';

export interface UserSide {
  readonly count: number;
  readonly userNumbers: Int32Array;
  /** Values by name, `[count, ..]`. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Lists by the name that `listName` returns. */
  readonly lists: ReadonlyMap<string, TokenLists>;
}
