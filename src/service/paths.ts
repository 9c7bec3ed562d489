/** Checks whether this process may use a path, and whether other users may. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The path, or the nearest folder above it that exists. */
export function nearestExisting(path: string): string {
  let at = resolve(path);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Whether this process may write to an existing file or folder. */
export function mayWrite(path: string): boolean {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return may(path, constants.R_OK | constants.W_OK | (isFolder ? constants.X_OK : 0));
}

/** Access to a path for users other than the owner and the group; null if they have no access. */
export function openToOthers(path: string): 'read' | 'changed' | null {
  const { mode } = statSync(path);
  if ((mode & constants.S_IWOTH) !== 0) return 'changed';
  return (mode & constants.S_IROTH) !== 0 ? 'read' : null;
}

/** The mode of a path, such as `750`. */
export function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8).padStart(3, '0');
}

function may(path: string, what: number): boolean {
  try {
    accessSync(path, what);
    return true;
  } catch {
    return false;
  }
}
