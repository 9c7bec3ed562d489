/** Makes a version under the folder's lock; nothing is published unless all of it could be read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { asFirstWriter } from './lock.ts';
import { INCOMING_FOLDER } from './manifest.ts';
import { type ImportResult, type ImportTarget, VersionWriter } from './version-writer.ts';

/**
 * Runs `action` as the only writer of the folder, which is made if it is not there. Errors: what `action` throws, and
 * AppError `unavailable` (another writer is at work), `storage_failed`. What `action` did not publish is removed.
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
 * Gives `read` a writer to fill, under the lock of the folder, and publishes what it filled. Equal content over an
 * equal folder gives an equal version: importing again what is current changes nothing (a damaged copy of that version
 * is replaced). `from` says in a refusal what was read. Errors: what `read` throws, those of `withImportLock`, and
 * AppError `invalid_population` (the folder is damaged), `invalid_data` (there is no user). After any of them the
 * folder serves what it served before.
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
