/** Opens a database to look at it, so that no file is made or changed. */
import { readFileSync, statSync } from 'node:fs';
import { connect, type Database } from './driver.ts';

/** A database without a log is read in memory: SQLite would make files beside it to read it where it is. */
const MAXIMUM_COPY_BYTES = 512 * 1024 * 1024;

/** Where the header of a database says by what it was written last. */
const FORMAT_AT = 18;
/** The format of a database without a log. */
const ROLLBACK_FORMAT = 1;

/** null where it is too large to be read in memory. @throws SQLite's errors: the file is no database */
export function openUntouched(path: string): Database | null {
  if (hasLog(path)) return connect(path, { readonly: true, fileMustExist: true });
  if (statSync(path).size > MAXIMUM_COPY_BYTES) return null;
  const bytes = readFileSync(path);
  bytes.fill(ROLLBACK_FORMAT, FORMAT_AT, FORMAT_AT + 2);
  return connect(bytes);
}

/** Whether a service runs on it, or ended without closing it. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
