/** The part of scoring that depends on users alone, computed for some rows of a population. */
import type { Tensor } from '../../../packages/onnx-grad/index.ts';

export interface UserSide {
  readonly count: number;
  readonly userNumbers: Int32Array;
  /** Values by name, `[count, ..]`. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Lists by the name that `listName` returns. */
  readonly lists: ReadonlyMap<string, TokenLists>;
}

/** A list of tokens for each row. Row i has the tokens from `starts[i]` to `starts[i + 1] - 1`. */
export interface TokenLists {
  /** `[rows + 1]`, ascending. */
  readonly starts: Int32Array;
  /** Indices of rows of a table. */
  readonly tokens: Uint16Array | Int32Array;
  /** The weight of each token; null if all weights are 1. */
  readonly weights: Float32Array | null;
}

/** Returns the name of a look-up's lists. Look-ups with the same indices and weights share their lists. */
export function listName({ index, weights }: { readonly index: string; readonly weights: string | null }): string {
  return JSON.stringify([index, weights]);
}
