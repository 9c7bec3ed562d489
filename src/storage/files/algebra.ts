/** Computes the union, difference and intersection of sorted sets by linear merges of two streams of any size. */
import { BlockBuilder, type IdBlock, type IdBlocks, sliceBlock, weightAt } from '../../domain/id-blocks.ts';

/** Ids in at least one of the sets. An id in both gets its weight and features from `b`. */
export function unionOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: true, both: true, onlyB: true });
}

/** Ids in `a` but not in `b`. */
export function differenceOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: true, both: false, onlyB: false });
}

/** Ids in both sets, with the weights and features from `b`. */
export function intersectionOf(a: IdBlocks, b: IdBlocks): IdBlocks {
  return merge(a, b, { onlyA: false, both: true, onlyB: false });
}

interface Kept {
  readonly onlyA: boolean;
  readonly both: boolean;
  readonly onlyB: boolean;
}

/**
 * Yields whenever a block of either set is used up, even if the result block is empty, so that at most one block of
 * each set is processed between two yields. If the rest of a set cannot change the result, the rest is not read, and
 * the sha256 of the file is not verified.
 */
function* merge(a: IdBlocks, b: IdBlocks, kept: Kept): Generator<IdBlock, void, void> {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  try {
    let as = next(left);
    let bs = next(right);
    let i = 0;
    let j = 0;
    while (as !== null && bs !== null) {
      const out = new BlockBuilder();
      while (i < as.length && j < bs.length) {
        const x = as[i]!;
        const y = bs[j]!;
        if (x === y ? kept.both : x < y && kept.onlyA) {
          if (x === y) out.add(x, weightAt(bs, j), bs.features?.[j]);
          else out.add(x, weightAt(as, i), as.features?.[i]);
        } else if (x > y && kept.onlyB) {
          out.add(y, weightAt(bs, j), bs.features?.[j]);
        }
        if (x <= y) i += 1;
        if (y <= x) j += 1;
      }
      yield out.block();
      if (i === as.length) {
        as = next(left);
        i = 0;
      }
      if (j === bs.length) {
        bs = next(right);
        j = 0;
      }
    }
    if (kept.onlyA && as !== null) yield* rest(sliceBlock(as, i), left);
    if (kept.onlyB && bs !== null) yield* rest(sliceBlock(bs, j), right);
  } finally {
    left.return?.();
    right.return?.();
  }
}

function* rest(first: IdBlock, others: Iterator<IdBlock>): Generator<IdBlock, void, void> {
  for (let block: IdBlock | null = first; block !== null; block = next(others)) yield block;
}

function next(blocks: Iterator<IdBlock>): IdBlock | null {
  const { done, value } = blocks.next();
  return done ? null : value;
}
