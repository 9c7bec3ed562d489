/**
 * Checks that a service run by this user can write to its data folder. If not, `serve` refuses to start, and `doctor`
 * reports a failure.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { mayWrite, modeOf, nearestExisting } from './paths.ts';

/** Files and folders that the service writes, if they exist. */
const WRITTEN = ['metaheac.db', 'metaheac.db-wal', 'service.lock', 'seeds', 'audiences', 'models'];

/**
 * @throws AppError storage_failed if a service run by this user cannot write to its data folder, or cannot create it
 */
export function requireWritable(dataDir: string): void {
  const fault = findFault(dataDir);
  if (fault !== null) throw new AppError('storage_failed', fault);
}

function findFault(dataDir: string): string | null {
  if (!existsSync(dataDir)) {
    const above = nearestExisting(dataDir);
    return mayWrite(above) ? null : `${dataDir} does not exist, and ${above} is not writable`;
  }
  if (!statSync(dataDir).isDirectory()) return `${dataDir} is not a folder`;
  const closed = ['.', ...WRITTEN].map((name) => join(dataDir, name)).find((at) => existsSync(at) && !mayWrite(at));
  if (closed === undefined) return null;
  const user = process.getuid?.() ?? 'unknown';
  return `${closed} is not writable (owner ${statSync(closed).uid}, mode ${modeOf(closed)}, this user ${user})`;
}
