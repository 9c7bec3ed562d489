/**
 * Limits on open files. The number of connections is limited so that descriptors remain for the database and the
 * rankings. The engine needs many more descriptors than the API process, because each thread loads the program and the
 * model.
 */
import { readFileSync } from 'node:fs';
import { AppError } from '../lib/errors.ts';

interface DescriptorLimits {
  readonly maximumConnections: number;
  readonly openRankings: number;
  readonly reservedDescriptors: number;
}

/** Descriptors of an open ranking: one for the scores and one for the order. */
const DESCRIPTORS_OF_RANKING = 2;

/** Minimum number of connections of a service. */
const LEAST_CONNECTIONS = 8;

/**
 * Maximum number of files that the engine has open, which is reached while the engine starts. We counted 124 files with
 * one thread and 745 with 16 threads.
 */
const FILES_OF_ENGINE = 96;
const FILES_PER_THREAD = 44;

/** The number of files that this process may have open; null if the system does not report it. */
export function openFileLimit(): number | null {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return null; // this file exists only on Linux
  }
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return soft === undefined ? null : Number(soft);
}

/**
 * Lowers the limits if the process may not open enough files. Rankings then get at most half of the descriptors that
 * are not reserved, and connections get the rest. @throws AppError invalid_argument if too few descriptors are left to
 * serve
 */
export function withinOpenFiles<L extends DescriptorLimits>(limits: L, openFiles: number | null): L {
  if (openFiles === null) return limits;
  const lowered = lower(limits, openFiles);
  if (lowered !== null) return lowered;
  let needed = limits.reservedDescriptors;
  while (lower(limits, needed) === null) needed += 1;
  throw new AppError(
    'invalid_argument',
    `${tooFewFiles(openFiles, needed)}; ${limits.reservedDescriptors} of these files are reserved for the database, streams ` +
      'and the population',
  );
}

/**
 * Checks that an engine with this many threads can start; `openFiles` is null if unknown. @throws AppError
 * invalid_argument if there are too few descriptors
 */
export function requireFilesOfEngine(threads: number, openFiles: number | null): void {
  const needed = FILES_OF_ENGINE + threads * FILES_PER_THREAD;
  if (openFiles === null || openFiles >= needed) return;
  throw new AppError(
    'invalid_argument',
    `${tooFewFiles(openFiles, needed)}, or lower METAHEAC_THREADS: the engine has ${threads}`,
  );
}

/** Names the fault and the remedy, as the beginning of a sentence. */
function tooFewFiles(openFiles: number, needed: number): string {
  return (
    `the process may open ${openFiles} files (ulimit -n) and needs at least ${needed}: raise the limit (ulimit -n ` +
    `${ADVISED_FILES}; in systemd LimitNOFILE=, in Docker --ulimit nofile=)`
  );
}

const ADVISED_FILES = 16_384;

/** The lowered limits; null if too few descriptors are left to serve. */
function lower<L extends DescriptorLimits>(limits: L, openFiles: number): L | null {
  const free = openFiles - limits.reservedDescriptors;
  const openRankings = Math.min(limits.openRankings, Math.floor(free / 2 / DESCRIPTORS_OF_RANKING));
  const maximumConnections = Math.min(limits.maximumConnections, free - openRankings * DESCRIPTORS_OF_RANKING);
  const isEnough = openRankings >= 1 && maximumConnections >= Math.min(LEAST_CONNECTIONS, limits.maximumConnections);
  return isEnough ? { ...limits, openRankings, maximumConnections } : null;
}
