/** Users of a population by what an expansion would make of them, told by one thread to another while it goes on with what takes longer. */

/** Every user counted once. */
export interface CountedUsers {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
  readonly candidates: number;
}

/** The first int32 is 1 once the others are written. */
const INTEGERS = 5;

/** Memory that two threads share, in which nothing is counted yet. */
export function shareCounts(): SharedArrayBuffer {
  return new SharedArrayBuffer(INTEGERS * Int32Array.BYTES_PER_ELEMENT);
}

export function tellCounts(shared: SharedArrayBuffer, users: CountedUsers): void {
  const integers = new Int32Array(shared);
  integers.set([users.seeds, users.suppressed, users.filtered, users.candidates], 1);
  Atomics.store(integers, 0, 1);
}

/** null where nothing was counted. */
export function readCounts(shared: SharedArrayBuffer): CountedUsers | null {
  const integers = new Int32Array(shared);
  if (Atomics.load(integers, 0) !== 1) return null;
  const [, seeds, suppressed, filtered, candidates] = integers;
  return { seeds: seeds!, suppressed: suppressed!, filtered: filtered!, candidates: candidates! };
}
