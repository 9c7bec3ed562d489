/** Files and folders that are durable when a call returns, and operating system errors as sentences. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, messageOf } from '../errors.ts';

/** Maximum bytes per write call: Node refuses lengths over 2^31 - 1. */
const WRITE_BYTES = 64 * 1024 * 1024;

/** Permissions of users other than the owner and its group. */
const OTHERS_MODE = 0o007;

/**
 * Creates the folder with its missing parents; their entries are on disk when this returns. Returns whether the folder
 * was missing.
 */
export function createFolder(folder: string): boolean {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return false;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return true;
  }
}

/** Like `createFolder`, for folders with user ids: a new one is closed to other users. */
export function createClosedFolder(folder: string): void {
  if (createFolder(folder)) chmodSync(folder, statSync(folder).mode & ~OTHERS_MODE);
}

/**
 * Writes a file and waits until its bytes are on disk; an existing file is an error (EEXIST) unless the flags are `w`.
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

/** Copies a file and waits until it is on disk. */
export function copyDurably(from: string, to: string): void {
  copyFileSync(from, to);
  syncFile(to);
}

/**
 * Hard-links a file that is never written again, or copies it if the file system allows no (more) links. The caller
 * syncs the folder.
 */
export function linkDurably(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !NO_LINK.has(code)) throw error;
    copyDurably(from, to);
  }
}

/** Errors of `link` after which a copy may still work. */
const NO_LINK: ReadonlySet<string> = new Set(['EPERM', 'EMLINK', 'EXDEV', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Creates or replaces a file: a reader sees the old or the new one, even after a power cut. On failure the old one
 * stays. `temporary` is a sibling that no other writer uses at the same time; leftovers of a killed writer are
 * overwritten.
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
 * Renames the folder `fresh` (a sibling) to `folder`, replacing `folder` if it exists. A folder cannot be renamed over
 * one that contains files, so the old folder is first moved to `aside`, moved back if the renaming fails, and removed
 * last.
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

/** The names in a folder; empty if the folder does not exist. */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Waits until the bytes of a file are on disk. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Waits until the names in a folder (after creating or renaming files) are on disk. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all of `data` from `position` on, or from the descriptor's own position if `position` is null. */
export function writeAll(descriptor: number, data: NodeJS.ArrayBufferView, position: number | null): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(WRITE_BYTES, bytes.length - at);
    at += writeSync(descriptor, bytes, at, length, position === null ? null : position + at);
  }
}

/** Tries to remove what a failed write left. Never throws, because the write's error is more important. */
export function removeQuietly(path: string, { recursive = true } = {}): void {
  try {
    rmSync(path, { recursive, force: true });
  } catch {
    // The caller throws the error that led here.
  }
}

/**
 * Runs `action`; `doing` completes "cannot ..." if the operating system refuses.
 * @throws AppError storage_failed with the cause
 */
export function withStorage<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storageError(doing, error);
  }
}

/**
 * Turns an operating system error into AppError storage_failed with the original as cause; returns anything else (a
 * bug, an AppError) unchanged.
 */
export function storageError(doing: string, error: unknown): unknown {
  const fault = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined;
  if (fault?.syscall === undefined || fault.code === undefined) return error;
  return new AppError('storage_failed', `cannot ${doing}: ${messageOf(error)}`, {
    facts: { errno: fault.code },
    cause: error,
  });
}
