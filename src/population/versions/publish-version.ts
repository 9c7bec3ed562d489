/** Creates a version while holding the folder's lock. The version is published only if all data could be read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { asFirstWriter } from './lock.ts';
import { INCOMING_FOLDER } from './manifest.ts';
import { type ImportResult, type ImportTarget, VersionWriter } from './version-writer.ts';

/**
 * Runs `action` as the only writer of the folder, which is created if it does not exist. Unpublished files are removed
 * afterwards. Errors: the errors of `action`, and AppError `unavailable` (another writer is running), `storage_failed`.
 */
export async function withImportLock<T>(out: string, action: () => Promise<T>): Promise<T> {
  return await asFirstWriter(out, async () => {
    try {
      return await action();
    } finally {
      rmSync(join(out, INCOMING_FOLDER), { recursive: true, force: true });
    }
  });
}

/**
 * Lets `read` fill a writer while the folder is locked, and publishes the result. Importing the same content into the
 * same folder produces the same version, so importing the current content again changes nothing, except that a damaged
 * copy of that version is replaced. `from` names the source in errors. Errors: the errors of `read` and
 * `withImportLock`, and AppError `invalid_population` (the folder is damaged), `invalid_data` (there are no users).
 * After an error, the folder still serves its previous version.
 */
export async function publishVersion(
  target: ImportTarget,
  from: string,
  read: (writer: VersionWriter) => Promise<void>,
): Promise<ImportResult> {
  return await withImportLock(target.out, async () => {
    const writer = new VersionWriter(target);
    await read(writer);
    if (writer.rows === 0) throw new AppError('invalid_data', `${from} is empty: a population needs at least one user`);
    return writer.publish();
  });
}
