/** What users alone determine of their scores, for some rows of a population. */
import type { Tensor } from '../../../packages/onnx-grad/index.ts';

export interface UserSide {
  readonly count: number;
  readonly userNumbers: Int32Array;
  /** By name, `[count, ..]`. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** By the name that `listName` gives. */
  readonly lists: ReadonlyMap<string, TokenLists>;
}

/** A list of tokens for each row: row i has those from `starts[i]` to `starts[i + 1]`. */
export interface TokenLists {
  /** `[rows + 1]`, ascending. */
  readonly starts: Int32Array;
  /** Indices of rows of a table. */
  readonly tokens: Uint16Array | Int32Array;
  /** By token; null if all weights are 1. */
  readonly weights: Float32Array | null;
}

/** Names the lists of a look-up: two look-ups with the same indices and weights share them. */
export function listName({ index, weights }: { readonly index: string; readonly weights: string | null }): string {
  return JSON.stringify([index, weights]);
}
