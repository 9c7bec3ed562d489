/** Reads and hashes files in slices. Other work can run between two slices. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Number of bytes per slice. It is a multiple of the block size that the checksums of rankings use. */
export const SLICE_BYTES = 256 * 1024;
/** Maximum number of bytes per read call, because Node refuses lengths over 2^31 - 1. */
const READ_BYTES = 1024 * 1024 * 1024;

interface ReadRanges {
  /** Reads bytes from `position` on. Returns the number of bytes read, which is 0 at the end of the file. */
  read(target: Uint8Array, position: number): number;
}

/**
 * Yields the first `size` bytes of a file in slices, or the whole file if it is shorter. A slice is valid until the
 * next slice is read.
 */
function* slicesOf(file: ReadRanges, size: number): Generator<Buffer, void, void> {
  const slice = Buffer.allocUnsafe(Math.min(SLICE_BYTES, size));
  for (let at = 0; at < size; ) {
    const read = file.read(slice.subarray(0, size - at), at);
    if (read === 0) return;
    at += read;
    yield slice.subarray(0, read);
  }
}

/** Returns the sha256 of the first `size` bytes of a file, as hex. Yields the number of bytes in each slice. */
export function* hashSlices(file: ReadRanges, size: number): Generator<number, string, void> {
  const hash = createHash('sha256');
  for (const slice of slicesOf(file, size)) {
    hash.update(slice);
    yield slice.length;
  }
  return hash.digest('hex');
}

/** Like `hashSlices`, for the file at `path`. Throws errors of the operating system. */
export function* hashFileSlices(path: string, size = Number.POSITIVE_INFINITY): Generator<number, string, void> {
  const file = openSync(path, 'r');
  try {
    return yield* hashSlices({ read: (target, at) => readFully(file, target, at) }, size);
  } finally {
    closeSync(file);
  }
}

/** Reads from `position` until `target` is full or the file ends; returns the number of bytes read. */
export function readFully(descriptor: number, target: Uint8Array, position: number): number {
  let at = 0;
  while (at < target.length) {
    const read = readSync(descriptor, target, at, Math.min(READ_BYTES, target.length - at), position + at);
    if (read === 0) break;
    at += read;
  }
  return at;
}

/** The sha256 of a file, as hex. */
export function hashFile(path: string): string {
  return drain(hashFileSlices(path));
}

/** Like `drain`, for a generator that may wait between its slices. */
export async function drainAsync<Y, T>(slices: AsyncGenerator<Y, T, void>, onSlice: (slice: Y) => void): Promise<T> {
  for (;;) {
    const next = await slices.next();
    if (next.done) return next.value;
    onSlice(next.value);
  }
}

/** Runs a generator to its end without pausing, and returns its result. `onSlice` is called with each yielded value. */
export function drain<Y, T>(slices: Generator<Y, T, void>, onSlice: (slice: Y) => void = () => {}): T {
  for (;;) {
    const next = slices.next();
    if (next.done) return next.value;
    onSlice(next.value);
  }
}
