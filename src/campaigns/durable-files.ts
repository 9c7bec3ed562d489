/** Files and folders that are on the disk before anybody is told of them, and the world's errors in words. */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, messageOf } from '../lib/errors.ts';

/** One write call never takes more: Node refuses lengths over 2^31 - 1. */
const WRITE_BYTES = 64 * 1024 * 1024;

/** Creates the folder with its missing parents; their entries are on the disk when this returns. */
export function createFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

/** Writes a new file and waits until its bytes are on the disk; refuses a file that is there already (EEXIST). */
export function writeDurably(path: string, data: NodeJS.ArrayBufferView): void {
  const descriptor = openSync(path, 'wx');
  try {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(descriptor, bytes, at, Math.min(WRITE_BYTES, bytes.length - at));
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Waits until the names in a folder (creations, renames) are on the disk. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** An error of the operating system as `AppError` storage_failed with the original as cause; anything else (a bug, an AppError) as it is. */
export function storageError(doing: string, error: unknown): unknown {
  const fault = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined;
  if (fault?.syscall === undefined || fault.code === undefined) return error;
  return new AppError('storage_failed', `cannot ${doing}: ${messageOf(error)}`, {
    facts: { errno: fault.code },
    cause: error,
  });
}
