/** Reads prefixes and ranges of files, and appends to files durably. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { writeAll } from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';

/** Number of bytes to hash at a time. A single call in Node.js cannot hash more than 2 GiB. */
const HASH_BYTES = 1024 * 1024 * 1024;

/** The sha256 of the bytes, as hex. */
export function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hash.update(bytes.subarray(at, at + HASH_BYTES));
  return hash.digest('hex');
}

/**
 * The first `size` bytes of a file, in a buffer from `allocate` (by default a new buffer, aligned for every typed
 * array); null if the file has fewer bytes.
 */
export function readPrefix(
  path: string,
  size: number,
  allocate: (size: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): Uint8Array | null {
  return withFile(path, 'r', (file) => {
    if (fstatSync(file).size < size) return null;
    const bytes = allocate(size);
    return readFully(file, bytes, 0) < size ? null : bytes;
  });
}

/** The bytes of a file from `start` to `end`; fewer if the file ends before `end`. */
export function readRange(path: string, start: number, end: number): Buffer {
  return withFile(path, 'r', (file) => {
    const bytes = Buffer.alloc(end - start);
    return bytes.subarray(0, readFully(file, bytes, start));
  });
}

/**
 * Truncates the file to `size` bytes, appends `tail`, and fsyncs the file. A file that already has this content is not
 * changed.
 */
export function appendDurably(path: string, size: number, tail: Uint8Array): void {
  if (tail.length === 0 && statSync(path, { throwIfNoEntry: false })?.size === size) return;
  // mode 'a' is used here only to create the file, because writes in this mode ignore positions
  withFile(path, 'a', () => {});
  withFile(path, 'r+', (file) => {
    ftruncateSync(file, size);
    writeAll(file, tail, size);
    fsyncSync(file);
  });
}

/**
 * Appends to a file, creates it if it does not exist, and fsyncs it. Data that other processes appended is kept.
 * `endOf` returns the end of the complete records; later bytes are cut off. After a failure, no part of `tail` remains.
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
