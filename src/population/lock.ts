/** The lock of a population folder: one import at a time; the lock of a process that is gone is taken over. */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { AppError } from '../lib/errors.ts';

/** How often a lock that vanished or was left behind is tried again. */
const ATTEMPTS = 5;

/**
 * Takes the lock file `path`, whose text is the holder's process id and, where the system tells, when that process
 * started: an id alone may have gone to another process, as it does when a container restarts. Returns the function
 * that releases the lock. Errors: AppError `unavailable` naming the holder while it lives.
 */
export function takeLock(path: string, what = 'import'): () => void {
  const mine = `${process.pid} ${findStart(process.pid)} ${randomUUID()}\n`;
  const temporary = `${path}.${randomUUID()}`;
  // A lock that appears by `link` has its text from the first moment on.
  writeFileSync(temporary, mine, { flag: 'wx' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (tryLink(temporary, path)) return () => giveBack(path, mine);
      const holder = readText(path);
      if (holder === null) continue;
      if (isAlive(holder)) throw refusal(path, holder, what);
      takeAway(path, holder);
    }
    throw refusal(path, readText(path) ?? 'unknown', what);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function refusal(path: string, holder: string, what: string): AppError {
  const pid = Number(holder.split(' ')[0]);
  return new AppError(
    'unavailable',
    `another ${what} is running (process ${pid} holds ${path}): try again when it has ended`,
    {
      facts: { pid },
    },
  );
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(holder: string): boolean {
  const [pid, start] = holder.trim().split(' ');
  const id = Number(pid);
  if (!Number.isInteger(id) || id <= 0) return false;
  try {
    process.kill(id, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if (codeOf(error) !== 'EPERM') return false;
  }
  return start === findStart(id);
}

/** Removes the lock of a process that is gone, unless another import was quicker and the lock is now its own. */
function takeAway(path: string, holder: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readText(aside) !== holder) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function giveBack(path: string, mine: string): void {
  if (readText(path) === mine) rmSync(path, { force: true });
}

/**
 * When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); '-' where the system has no /proc.
 */
function findStart(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return '-';
  // The second field is the command's name in parentheses and may hold spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
