/**
 * Reads the operating system's data about a thread: its state, how long it ran, and how long it waited for a processor.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ThreadTimes {
  /**
   * The state in `/proc/PID/stat`: R (running or waiting for a processor), S (sleeping), D (waiting for a disk), T
   * (stopped).
   */
  readonly state: string;
  /** Milliseconds since the thread started. */
  readonly ranMs: number;
  readonly waitedMs: number;
}

/**
 * The times of a thread in any process, by default of the main thread. Null if the system does not report them because
 * it has no /proc, or because /proc belongs to another pid namespace, whose numbers refer to other processes.
 */
export function readThreadTimes(pid: number, thread = pid): ThreadTimes | null {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return null;
    const folder = `/proc/${pid}/task/${thread}`;
    return parseThreadTimes(readFileSync(`${folder}/stat`, 'utf8'), readFileSync(`${folder}/schedstat`, 'utf8'));
  } catch {
    return null;
  }
}

/** The operating system's id for the calling thread; null if the system does not report this id. */
export function findThreadId(): number | null {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return null;
  }
}

/**
 * as proc(5) says, the state follows the name, which may contain any character; schedstat begins with both times, in
 * nanoseconds
 */
function parseThreadTimes(stat: string, schedstat: string): ThreadTimes | null {
  const state = stat[stat.lastIndexOf(')') + 2];
  const [ranMs = Number.NaN, waitedMs = Number.NaN] = schedstat.split(' ').map((text) => Number(text) / 1e6);
  return state === undefined || Number.isNaN(ranMs + waitedMs) ? null : { state, ranMs, waitedMs };
}
