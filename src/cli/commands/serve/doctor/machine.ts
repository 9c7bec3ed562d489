/** Examines the machine: Node, processors, memory, files, device, clock. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { openDevice } from '../../../../model/onnx-grad.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

/** The resources of the machine that this process may use. */
export interface Machine {
  /** `20.20.2` */
  readonly node: string;
  readonly processors: number;
  /** Memory limit of this process and its children. */
  readonly memoryBytes: number;
  /** Memory that is not in use, in bytes. */
  readonly availableBytes: number;
  /** Hard limit on open files, to which Node raises the soft limit; null if unknown. */
  readonly openFiles: number | null;
}

export interface MemoryNeed {
  readonly users: number;
  readonly modelBytes: number;
  readonly threads: number;
  /** Size of the cache for audiences that are looked up often. */
  readonly cacheBytes: number;
}

/** Oldest supported version of Node, as in `engines` of package.json. */
const LEAST_NODE = 24;
/** Measured (docs/performance.md): two threads with the demo's model and a million users use 779 MiB. */
const PROCESS_BYTES = 495 * 2 ** 20;
const THREAD_BYTES = 100 * 2 ** 20;
const BYTES_PER_USER = 90;
/** Copies of the model per thread: the session, the gradient session, and the file while it is read. */
const MODEL_COPIES = 4;
/** File descriptors per open ranking. */
const FILES_PER_RANKING = 2;
/** File descriptors for connections, the database, and both processes. */
const OTHER_FILES = 1_024;
/** Tolerated difference between the clocks of two machines. */
const CLOCK_TOLERANCE_MS = 60_000;

export function readMachine(): Machine {
  const total = totalmem();
  // if there is no limit, Node reports 0 or more than the machine's memory
  const limit = process.constrainedMemory();
  const memoryBytes = limit > 0 && limit < total ? limit : total;
  return {
    node: process.versions.node,
    processors: availableParallelism(),
    memoryBytes,
    availableBytes: Math.min(process.availableMemory(), memoryBytes),
    openFiles: readOpenFiles(),
  };
}

export function examineNode({ node }: Machine): Finding {
  if (Number(node.split('.')[0]) >= LEAST_NODE) return fine('node', `version ${node}`);
  return failed('node', `version ${node} is too old`, `Install ${LEAST_NODE} or newer.`);
}

export function examineProcessors({ processors }: Machine, threads: number): Finding {
  const detail = `${processors} for ${threads} engine threads`;
  if (threads <= processors) return fine('processors', detail);
  return warning(
    'processors',
    detail,
    `Set METAHEAC_THREADS to ${processors} or less: more threads would only use more memory.`,
  );
}

/** `isRunning`: a service is running, so its memory is already in use. */
export function examineMemory({ memoryBytes, availableBytes }: Machine, need: MemoryNeed, isRunning: boolean): Finding {
  const { users, modelBytes, threads, cacheBytes } = need;
  const bytes = PROCESS_BYTES + threads * (THREAD_BYTES + MODEL_COPIES * modelBytes) + users * BYTES_PER_USER;
  const detail =
    `about ${describeBytes(bytes)} needed, and up to ${describeBytes(cacheBytes)} for look-ups; ` +
    `${describeBytes(memoryBytes)} in all, ${describeBytes(availableBytes)} available`;
  const advice = 'Add memory, or lower METAHEAC_THREADS or METAHEAC_RANKING_MEMORY_BYTES.';
  if (bytes > memoryBytes) return failed('memory', detail, advice);
  const available = isRunning ? memoryBytes : availableBytes;
  return bytes + cacheBytes > available ? warning('memory', detail, advice) : fine('memory', detail);
}

/** Compares the limit with the most that a service may need, which is more than it needs to start. */
export function describeOpenFiles({ openFiles }: Machine, openRankings: number): Finding {
  if (openFiles === null) return fine('open files', 'this system does not report its limit on open files');
  const need = openRankings * FILES_PER_RANKING + OTHER_FILES;
  const detail = `${openFiles} allowed, up to ${need} needed`;
  if (openFiles >= need) return fine('open files', detail);
  return warning(
    'open files',
    detail,
    `Raise the hard limit (LimitNOFILE=${2 * need}, ulimit -Hn), or lower METAHEAC_OPEN_RANKINGS.`,
  );
}

/** Loads ONNX Runtime, and runs a graph on CUDA if requested and available. */
export function examineDevice(request: string): Promise<readonly Finding[]> {
  const advice = 'Use --device cpu, or install the CUDA binaries: docs/operations.md, "GPU".';
  return findings('device', advice, async () => {
    const { detail } = await openDevice(request);
    return [fine('device', `${detail}, requested: ${request}`)];
  });
}

/** `newest` is the creation time of the newest file, in milliseconds since 1970; a correct clock shows a later time. */
export function examineClock(now: number, newest: number): Finding {
  const detail = new Date(now).toISOString();
  if (now + CLOCK_TOLERANCE_MS >= newest) return fine('clock', detail);
  return warning(
    'clock',
    `${detail} is earlier than the creation of the model or population (${new Date(newest).toISOString()})`,
    'Set the clock, and synchronise it with NTP: leases, retention and webhook signatures depend on it.',
  );
}

function readOpenFiles(): number | null {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(text) ?? [];
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
}
