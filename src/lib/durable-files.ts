/** Files and folders that are on the disk before anybody is told of them, and the world's errors in words. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, messageOf } from './errors.ts';

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

/**
 * Writes a file and waits until its bytes are on the disk; refuses one that is there already (EEXIST), unless the flags
 * are `w`.
 */
export function writeDurably(path: string, data: NodeJS.ArrayBufferView, flags: 'wx' | 'w' = 'wx'): void {
  const descriptor = openSync(path, flags);
  try {
    writeAll(descriptor, data, null);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Copies a file, and waits until it is on the disk. */
export function copyDurably(from: string, to: string): void {
  copyFileSync(from, to);
  const descriptor = openSync(to, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file, new or in place of the one that is there: a reader sees the old or the new one, also after a power
 * cut. On failure the old one stays. `temporary` is a sibling that no other writer uses at the same time; what a killed
 * one left there is overwritten.
 */
export function replaceDurably(path: string, data: NodeJS.ArrayBufferView, temporary: string): void {
  try {
    writeDurably(temporary, data, 'w');
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary, { recursive: false });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Puts the folder `fresh` (a sibling) in the place of `folder`, whether that is there or not. A folder cannot be
 * renamed over one that holds files: the old one steps aside to `aside` first, back if that fails, and is removed last.
 */
export function replaceFolder(fresh: string, folder: string, aside: string): void {
  const replaced = existsSync(folder);
  if (replaced) renameSync(folder, aside);
  try {
    renameSync(fresh, folder);
  } catch (error) {
    if (replaced) renameSync(aside, folder);
    throw error;
  }
  syncFolder(dirname(folder));
  if (replaced) rmSync(aside, { recursive: true, force: true });
}

/** The names in a folder; none where there is no such folder. */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
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

/** Writes all of `data` from `position` on; null goes on where the descriptor is. */
export function writeAll(descriptor: number, data: NodeJS.ArrayBufferView, position: number | null): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(WRITE_BYTES, bytes.length - at);
    at += writeSync(descriptor, bytes, at, length, position === null ? null : position + at);
  }
}

/** Removes what a failed write left, if it can: the error of the write says more than one of this. */
export function removeQuietly(path: string, { recursive = true } = {}): void {
  try {
    rmSync(path, { recursive, force: true });
  } catch {
    // The caller throws the error that led here.
  }
}

/**
 * Runs `action`; `doing` completes "cannot ..." where the operating system refuses. @throws AppError storage_failed
 * with the cause
 */
export function withStorage<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storageError(doing, error);
  }
}

/**
 * An error of the operating system as `AppError` storage_failed with the original as cause; anything else (a bug, an
 * AppError) as it is.
 */
export function storageError(doing: string, error: unknown): unknown {
  const fault = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined;
  if (fault?.syscall === undefined || fault.code === undefined) return error;
  return new AppError('storage_failed', `cannot ${doing}: ${messageOf(error)}`, {
    facts: { errno: fault.code },
    cause: error,
  });
}
