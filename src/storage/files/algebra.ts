/** Union, difference and intersection of sorted sets: linear merges of two streams of any size. */
import type { IdBlocks } from '../../domain/user-sets.ts';

/** Ids of either set. */
export function unionOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: true, both: true, onlyB: true });
}

/** Ids of `a` that `b` does not have. */
export function differenceOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: true, both: false, onlyB: false });
}

/** Ids that both sets have. */
export function intersectionOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: false, both: true, onlyB: false });
}

interface Kept {
  readonly onlyA: boolean;
  readonly both: boolean;
  readonly onlyB: boolean;
}

/**
 * Yields each time a block of either set is used up, even if the yielded block is empty, so at most one block of each
 * set is processed between two yields. A set is read no further once its remainder cannot change the result, so the
 * sha256 of its file is not verified.
 */
function* merge(a: IdBlocks, b: IdBlocks, kept: Kept): Generator<readonly string[], void, void> {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  try {
    let as = next(left);
    let bs = next(right);
    let i = 0;
    let j = 0;
    while (as !== null && bs !== null) {
      const out: string[] = [];
      while (i < as.length && j < bs.length) {
        const x = as[i]!;
        const y = bs[j]!;
        if (x === y ? kept.both : x < y && kept.onlyA) out.push(x);
        else if (x > y && kept.onlyB) out.push(y);
        if (x <= y) i += 1;
        if (y <= x) j += 1;
      }
      yield out;
      if (i === as.length) {
        as = next(left);
        i = 0;
      }
      if (j === bs.length) {
        bs = next(right);
        j = 0;
      }
    }
    if (kept.onlyA && as !== null) yield* rest(as.slice(i), left);
    if (kept.onlyB && bs !== null) yield* rest(bs.slice(j), right);
  } finally {
    left.return?.();
    right.return?.();
  }
}

function* rest(
  first: readonly string[],
  others: Iterator<readonly string[]>,
): Generator<readonly string[], void, void> {
  for (let block: readonly string[] | null = first; block !== null; block = next(others)) yield block;
}

function next(blocks: Iterator<readonly string[]>): readonly string[] | null {
  const { done, value } = blocks.next();
  return done ? null : value;
}
