/** Writes a data set folder completely or not at all. */
import { existsSync, renameSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createFolder, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { claimSibling } from '../../lib/files/temporary-sibling.ts';

/**
 * Lets `write` fill a temporary folder beside `out`, which is then renamed to `out`. Leftovers of killed runs are
 * removed first. Errors: AppError `invalid_argument` if `out` exists, `storage_failed`, and the errors of `write`;
 * nothing is left behind.
 */
export async function writeNewFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const path = resolve(out);
  const { path: temporary, release } = claimSibling(path, `write ${out}`);
  try {
    createFolder(temporary);
    const result = await write(temporary);
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return result;
  } catch (error) {
    throw storageError(`write ${out}`, error);
  } finally {
    release();
  }
}
