/**
 * Writes files and folders that are durable when the call returns, and converts operating system errors into sentences.
 */
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

/** Maximum number of bytes per write call, because Node refuses lengths over 2^31 - 1. */
const WRITE_BYTES = 64 * 1024 * 1024;

/** Permission bits for users other than the owner and the members of the file's group. */
const OTHERS_MODE = 0o007;

/**
 * Creates a folder and its missing parents. The new directory entries are on disk when the call returns. Returns
 * whether the folder was missing.
 */
export function createFolder(folder: string): boolean {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return false;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return true;
  }
}

/** Like `createFolder`, for folders with user ids. Other users have no access to a new folder. */
export function createClosedFolder(folder: string): void {
  if (createFolder(folder)) chmodSync(folder, statSync(folder).mode & ~OTHERS_MODE);
}

/**
 * Writes a file and waits until its bytes are on disk. An existing file is an error (EEXIST) unless the flags are `w`.
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

/** Copies a file and waits until the copy is on disk. */
export function copyDurably(from: string, to: string): void {
  copyFileSync(from, to);
  syncFile(to);
}

/**
 * Hard-links a file that is never written again, or copies the file if the file system does not allow another link. The
 * caller must sync the folder.
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

/** Codes of `link` errors after which a copy may still succeed. */
const NO_LINK: ReadonlySet<string> = new Set(['EPERM', 'EMLINK', 'EXDEV', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Creates or replaces a file atomically: a reader sees the old file or the new file, even after a power cut. If the
 * call fails, the old file stays. `temporary` is a path in the same folder that no other writer uses at the same time.
 * A file that a killed writer left at this path is overwritten.
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
 * Renames the folder `fresh` to `folder`, which has the same parent, and replaces any existing `folder`. A folder
 * cannot replace a folder that contains files, so the old folder is first moved to `aside`. The old folder is moved
 * back if the renaming fails, and removed otherwise.
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

/** Waits until a folder's directory entries are on disk, after files were created or renamed. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all of `data` from `position` on, or from the descriptor's current position if `position` is null. */
export function writeAll(descriptor: number, data: NodeJS.ArrayBufferView, position: number | null): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(WRITE_BYTES, bytes.length - at);
    at += writeSync(descriptor, bytes, at, length, position === null ? null : position + at);
  }
}

/** Tries to remove the remains of a failed write. Never throws, because the write's error is more important. */
export function removeQuietly(path: string, { recursive = true } = {}): void {
  try {
    rmSync(path, { recursive, force: true });
  } catch {
    // the caller throws the error of the write
  }
}

/**
 * Runs `action`. If the operating system refuses the operation, `doing` completes the error message "cannot ...".
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
 * Converts an operating system error into AppError storage_failed, with the original error as cause. Returns any other
 * error unchanged.
 */
export function storageError(doing: string, error: unknown): unknown {
  const fault = error instanceof Error ? (error as NodeJS.ErrnoException) : undefined;
  if (fault?.syscall === undefined || fault.code === undefined) return error;
  return new AppError('storage_failed', `cannot ${doing}: ${messageOf(error)}`, {
    facts: { errno: fault.code },
    cause: error,
  });
}

/** For a `catch`: returns `value` if the file or folder does not exist; another process may remove it at any time. */
export function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
