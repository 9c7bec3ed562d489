/** Moves files between a population folder and the storage of blobs, and verifies them on arrival. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { hashFileSlices } from '../../lib/files/slices.ts';
import { inParallel } from '../../lib/limited.ts';
import { sha256 } from '../versions/files.ts';
import type { ManifestFile } from '../versions/manifest.ts';
import { fileName, type TablePart } from './index-schema.ts';

/** Number of files that are moved at the same time. */
const AT_ONCE = 4;
/** Attempts to fetch a file whose bytes do not have the recorded sha256 when they arrive. */
const FETCH_ATTEMPTS = 3;

/** Calls `action` for each item, for at most `AT_ONCE` items at a time. After an error, no further item begins. */
export function eachOf<T>(items: Iterable<T>, action: (item: T) => Promise<void>): Promise<void> {
  return inParallel(items, AT_ONCE, action);
}

/** The bytes of a table's part. @throws AppError invalid_population, storage_failed */
export async function fetchPart(files: BlobFiles, part: TablePart): Promise<Uint8Array> {
  const name = fileName(part.sha256);
  for (let attempt = 1; attempt <= FETCH_ATTEMPTS; attempt++) {
    const found = await files.find(name);
    if (found === null) throw new AppError('invalid_population', `${name} is missing`);
    if (found.data.length === part.size && sha256(found.data) === part.sha256) return found.data;
  }
  throw new AppError('invalid_population', `${name} is damaged: its sha256 differs from its name`);
}

/**
 * Fetches a stored file to the path `temporary`, verifies it there, and then moves it to its path. Other work runs
 * during verification.
 * @throws AppError invalid_population, storage_failed
 */
export async function fetchVerified(
  files: BlobFiles,
  file: Omit<ManifestFile, 'path'>,
  path: string,
  temporary: string,
): Promise<void> {
  const name = fileName(file.sha256);
  withStorage(`write ${path}`, () => mkdirSync(dirname(path), { recursive: true }));
  try {
    for (let attempt = 1; attempt <= FETCH_ATTEMPTS; attempt++) {
      rmSync(temporary, { force: true });
      await files.fetchFile(name, temporary);
      if (!(await isIntact(temporary, file))) continue;
      withStorage(`write ${path}`, () => {
        renameSync(temporary, path);
        syncFolder(dirname(path));
      });
      return;
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  throw new AppError('invalid_population', `${name} is damaged: its sha256 differs from its name`);
}

/** Whether a file of this machine has the recorded bytes. Other work runs between slices. */
export async function isIntact(path: string, file: Omit<ManifestFile, 'path'>): Promise<boolean> {
  if (statSync(path, { throwIfNoEntry: false })?.size !== file.size) return false;
  const slices = hashFileSlices(path);
  for (;;) {
    const next = slices.next();
    if (next.done) return next.value === file.sha256;
    await setImmediate();
  }
}
