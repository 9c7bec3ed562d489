/** Reads and hashes files in slices, between which other work can run. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes that are read between two yields: a multiple of the blocks of which rankings have checksums. */
const SLICE_BYTES = 256 * 1024;

interface ReadRanges {
  /** Reads from `position`; returns the number of bytes read, which is 0 at the end. */
  read(target: Uint8Array, position: number): number;
}

/** The first `size` bytes of a file, fewer if it is shorter; a slice is valid until the next one is read. */
export function* slicesOf(file: ReadRanges, size: number): Generator<Buffer, void, void> {
  const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, size));
  for (let at = 0; at < size; ) {
    const read = file.read(slice.subarray(0, size - at), at);
    if (read === 0) return;
    at += read;
    yield slice.subarray(0, read);
  }
}

/** The sha256 of these bytes, as hex; yields the number of bytes of each slice. */
export function* hashSlices(file: ReadRanges, size: number): Generator<number, string, void> {
  const hash = createHash('sha256');
  for (const slice of slicesOf(file, size)) {
    hash.update(slice);
    yield slice.length;
  }
  return hash.digest('hex');
}

/** As `hashSlices`, by path; errors are those of the operating system. */
export function* hashFileSlices(path: string, size = Number.POSITIVE_INFINITY): Generator<number, string, void> {
  const file = openSync(path, 'r');
  try {
    return yield* hashSlices({ read: (target, at) => readSync(file, target, 0, target.length, at) }, size);
  } finally {
    closeSync(file);
  }
}

/** The sha256 of a file, as hex. */
export function hashFile(path: string): string {
  return drain(hashFileSlices(path));
}

/** Runs all slices at once; `onSlice` is called with what each of them yields. */
export function drain<Y, T>(slices: Generator<Y, T, void>, onSlice: (slice: Y) => void = () => {}): T {
  for (;;) {
    const next = slices.next();
    if (next.done) return next.value;
    onSlice(next.value);
  }
}
