/** Lists the files for a backup of a population folder, and keeps them from changing. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { ERASED_FILE, ERASED_KEY_FILE } from '../erase/erasures.ts';
import { SUMS_FILE } from '../import/accepted-sums.ts';
import { asWriter } from './lock.ts';
import { CURRENT_FILE, findCurrentVersion, listFiles, listVersions, MANIFEST_FILE, readManifest } from './manifest.ts';
import { ORDER_FILE } from './version-order.ts';

export interface PopulationFile {
  /** Path relative to the folder. */
  readonly path: string;
  /** Whether the file never changes. */
  readonly isFinal: boolean;
}

/**
 * Files other than versions and tables, in the order in which they are copied. Erasures are only appended, and a later
 * reader cuts off an incomplete record at the end.
 */
const OTHERS = [CURRENT_FILE, ORDER_FILE, SUMS_FILE, ERASED_FILE, ERASED_KEY_FILE];

/**
 * Calls `action` with the files of all published versions, their tables and erasures, without caches. During the call,
 * imports and removals of versions are blocked, but users may be erased. @throws AppError invalid_population,
 * unavailable (an import is running), and the errors of `action`
 */
export async function withPopulationFiles<T>(
  folder: string,
  action: (files: readonly PopulationFile[]) => Promise<T>,
): Promise<T> {
  if (findCurrentVersion(folder) === null)
    throw new AppError('invalid_population', `${folder} is not a population: it has no file ${CURRENT_FILE}`);
  return await asWriter(folder, () => action(filesOf(folder)));
}

function filesOf(folder: string): PopulationFile[] {
  const files = new Map<string, boolean>();
  for (const version of listVersions(folder)) {
    for (const { path, mayGrow } of listFiles(folder, readManifest(folder, version)))
      files.set(relative(folder, path), !mayGrow);
    files.set(`${version}/${MANIFEST_FILE}`, true);
  }
  for (const name of OTHERS) if (existsSync(join(folder, name))) files.set(name, false);
  return [...files].map(([path, isFinal]) => ({ path, isFinal }));
}
