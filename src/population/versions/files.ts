/** Whole files and prefixes of files: their bytes, their sha256, and appending so that it survives a power cut. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs';
import { writeAll } from '../../lib/files/durable-files.ts';

/** How much is hashed, and at most read or written, at a time: one call of Node can't pass 2 GiB. */
const HASH_CHUNK_BYTES = 1024 * 1024;
/** The same where other work is to run in between. */
const SLICE_BYTES = 256 * 1024;
const TRANSFER_BYTES = 1024 * 1024 * 1024;

/** The sha256 of some bytes, as hex. */
export function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += TRANSFER_BYTES) hash.update(bytes.subarray(at, at + TRANSFER_BYTES));
  return hash.digest('hex');
}

/** The sha256 of the first `size` bytes of a file, null if it has fewer. */
export function hashFile(path: string, size: number): string | null {
  return withFile(path, 'r', (file) => {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
    for (let at = 0; at < size; ) {
      const read = readSync(file, chunk, 0, Math.min(chunk.length, size - at), at);
      if (read === 0) return null;
      hash.update(chunk.subarray(0, read));
      at += read;
    }
    return hash.digest('hex');
  });
}

/** As `hashFile`, in slices: yields the bytes that each read. null also where there is no such file. */
export function* hashSlices(path: string, size: number): Generator<number, string | null, void> {
  if (!existsSync(path)) return null;
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const slice = Buffer.allocUnsafe(SLICE_BYTES);
    for (let at = 0; at < size; ) {
      const read = readSync(file, slice, 0, Math.min(slice.length, size - at), at);
      if (read === 0) return null;
      hash.update(slice.subarray(0, read));
      at += read;
      yield read;
    }
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

/**
 * The first `size` bytes of a file in what `allocate` gives, by default a buffer of their own (so aligned for every
 * typed array); null if it has fewer.
 */
export function readPrefix(
  path: string,
  size: number,
  allocate: (size: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array | null {
  return withFile(path, 'r', (file) => {
    if (fstatSync(file).size < size) return null;
    const bytes = allocate(size);
    for (let at = 0; at < size; ) {
      const read = readSync(file, bytes, at, Math.min(TRANSFER_BYTES, size - at), at);
      if (read === 0) return null;
      at += read;
    }
    return bytes;
  });
}

/** The bytes of a file from `start` to `end`, fewer where it ends before. */
export function readRange(path: string, start: number, end: number): Buffer {
  return withFile(path, 'r', (file) => {
    const bytes = Buffer.alloc(end - start);
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(file, bytes, at, Math.min(TRANSFER_BYTES, bytes.length - at), start + at);
      if (read === 0) return bytes.subarray(0, at);
      at += read;
    }
    return bytes;
  });
}

/**
 * Makes the file end with `tail` from byte `size` on: what lay behind is cut off first. Fsyncs it unless it is already
 * so.
 */
export function appendDurably(path: string, size: number, tail: Uint8Array): void {
  if (tail.length === 0 && statSync(path, { throwIfNoEntry: false })?.size === size) return;
  // 'a' would ignore the position; it only serves to create the file.
  withFile(path, 'a', () => {});
  withFile(path, 'r+', (file) => {
    ftruncateSync(file, size);
    writeAll(file, tail, size);
    fsyncSync(file);
  });
}

/**
 * Appends to a file, made if it is not there: what others have appended stays. `endOf` says where what is whole ends;
 * anything behind that is cut off. Fsyncs it. On failure nothing of `tail` is left.
 */
export function appendRecords(path: string, tail: Uint8Array, endOf: () => number): void {
  withFile(path, 'a', (file) => {
    const size = fstatSync(file).size;
    const end = size === 0 ? 0 : endOf();
    if (end < size) ftruncateSync(file, end);
    try {
      writeAll(file, tail, null);
      fsyncSync(file);
    } catch (error) {
      ftruncateSync(file, end);
      throw error;
    }
  });
}

function withFile<T>(path: string, flags: string, action: (file: number) => T): T {
  const file = openSync(path, flags);
  try {
    return action(file);
  } finally {
    closeSync(file);
  }
}
