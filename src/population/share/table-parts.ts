/**
 * Cuts the append-only tables into parts, so that a new version only adds parts, and assembles tables from parts. Parts
 * of earlier versions change only if the ids of erased users are overwritten in them.
 */
import { mkdirSync, statSync } from 'node:fs';
import { copyFile, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { storageError, syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { readRange, sha256 } from '../versions/files.ts';
import { sizeOfParts, type TablePart } from './index-schema.ts';
import { fetchPart } from './transfers.ts';

/** Maximum size of a part. Overwriting an id replaces one part. */
const PART_BYTES = 8 * 1024 * 1024;
/** A last part that is smaller is stored again together with what a version adds, so that parts do not become many. */
const SMALLEST_PART_BYTES = 1024 * 1024;

export interface CutTable {
  readonly parts: readonly TablePart[];
  /** Published parts whose range has other bytes in this file. */
  readonly changed: readonly TablePart[];
}

/**
 * The parts of the first `size` bytes of a table's file, which `read` reads. Parts that were published before keep
 * their ranges. `published` must not be longer than `size`.
 */
export async function cutTable(
  read: (start: number, end: number) => Uint8Array,
  published: readonly TablePart[],
  size: number,
): Promise<CutTable> {
  const parts: TablePart[] = [];
  const changed: TablePart[] = [];
  const add = async (start: number, end: number) => {
    const own = { start, size: end - start, sha256: sha256(read(start, end)) };
    parts.push(own);
    await setImmediate();
    return own;
  };
  for (const part of published) {
    const own = await add(part.start, part.start + part.size);
    if (own.sha256 !== part.sha256) changed.push(part);
  }
  const last = parts.at(-1);
  if (last !== undefined && last.size < SMALLEST_PART_BYTES && sizeOfParts(parts) < size) parts.pop();
  for (let start = sizeOfParts(parts); start < size; ) {
    const end = Math.min(size, start + PART_BYTES);
    await add(start, end);
    start = end;
  }
  return { parts, changed };
}

/**
 * Makes a table's file begin with the published parts. `before` are the parts that the file is known to begin with. A
 * reader of the file sees the old bytes or the new bytes of each range, because bytes are only appended, unless ids
 * were overwritten: then the file is replaced. @throws AppError invalid_population, storage_failed
 */
export async function applyTable(
  files: BlobFiles,
  path: string,
  before: readonly TablePart[],
  now: readonly TablePart[],
): Promise<void> {
  const oldSize = sizeOfParts(before);
  const hasOld = (statSync(path, { throwIfNoEntry: false })?.size ?? -1) >= oldSize && oldSize > 0;
  const same = hasOld ? countSame(before, now) : 0;
  const isGrown = hasOld && (await isContinued(files, path, now.slice(same), oldSize));
  withStorage(`write ${path}`, () => mkdirSync(dirname(path), { recursive: true }));
  if (isGrown) await append(files, path, now, oldSize);
  else await rebuild(files, path, now, same);
}

/** Appends what `parts` have beyond the first `oldSize` bytes of a table's file, which may not exist yet. */
export async function extendTable(
  files: BlobFiles,
  path: string,
  parts: readonly TablePart[],
  oldSize: number,
): Promise<void> {
  withStorage(`write ${path}`, () => mkdirSync(dirname(path), { recursive: true }));
  if (oldSize === 0) await rebuild(files, path, parts, 0);
  else await append(files, path, parts, oldSize);
}

/** How many parts at the beginning are equal. */
function countSame(before: readonly TablePart[], now: readonly TablePart[]): number {
  const differs = now.findIndex((part, i) => before[i]?.start !== part.start || before[i]?.sha256 !== part.sha256);
  return differs < 0 ? now.length : differs;
}

/** Whether the file's first `oldSize` bytes are also those of the parts, which may end elsewhere. */
async function isContinued(
  files: BlobFiles,
  path: string,
  parts: readonly TablePart[],
  oldSize: number,
): Promise<boolean> {
  for (const part of parts) {
    if (part.start >= oldSize) return true;
    const end = Math.min(oldSize, part.start + part.size);
    const bytes = await fetchPart(files, part);
    if (!readRange(path, part.start, end).equals(bytes.subarray(0, end - part.start))) return false;
  }
  return true;
}

async function append(files: BlobFiles, path: string, parts: readonly TablePart[], oldSize: number): Promise<void> {
  await writing(path, 'r+', async (file) => {
    // bytes after the known bytes were left by a killed process
    await file.truncate(oldSize);
    for (const part of parts) {
      if (part.start + part.size <= oldSize) continue;
      const from = Math.max(part.start, oldSize);
      await writeAt(file, (await fetchPart(files, part)).subarray(from - part.start), from);
    }
  });
}

/** Writes the file anew: its first `same` parts from the old file, and the others from the storage of blobs. */
async function rebuild(files: BlobFiles, path: string, parts: readonly TablePart[], same: number): Promise<void> {
  const temporary = `${path}.tmp`;
  await storing(path, async () => {
    await rm(temporary, { force: true });
    if (same > 0) await copyFile(path, temporary);
  });
  await writing(temporary, same > 0 ? 'r+' : 'w', async (file) => {
    await file.truncate(sizeOfParts(parts.slice(0, same)));
    for (const part of parts.slice(same)) await writeAt(file, await fetchPart(files, part), part.start);
  });
  await storing(path, async () => {
    await rename(temporary, path);
    syncFolder(dirname(path));
  });
}

/** Opens a file for `write`, and makes it durable afterwards. Other work runs meanwhile. */
async function writing(path: string, flags: 'r+' | 'w', write: (file: FileHandle) => Promise<void>): Promise<void> {
  await storing(path, async () => {
    const file = await open(path, flags);
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

async function storing(path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw storageError(`write ${path}`, error);
  }
}
