/** Processes of a benchmark: their memory and processor time, and how long a command takes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of a page, as the kernel counts memory. */
const PAGE_BYTES = 4096;
const WATCH_EVERY_MS = 50;
/** Ticks per second of the times of processes in /proc. */
const TICKS = 100;

/** Bytes of memory of a process and all its descendants. */
function memoryOf(pid: number): number {
  return familyOf(pid).reduce((sum, one) => sum + residentBytes(one), 0);
}

/** Watches that memory until `stop`, which returns the maximum seen. */
export function watchMemory(pid: number): { stop(): number } {
  let most = 0;
  const look = () => {
    most = Math.max(most, memoryOf(pid));
  };
  const timer = setInterval(look, WATCH_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

/** Current bytes of memory of a process and all its descendants, with shared pages counted once. */
export function memoryCountedOnce(pid: number): number {
  return familyOf(pid).reduce((sum, one) => sum + proportionalBytes(one), 0);
}

/** Drops the files of a folder from the page cache, so that the next read is from the disk. */
export function dropCache(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      execFileSync('dd', [`if=${join(entry.parentPath, entry.name)}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** Runs Node with `args` to its end: seconds, and its maximum memory in bytes. @throws if it fails */
export async function timeNode(args: readonly string[], cwd: string): Promise<{ seconds: number; bytes: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const watch = watchMemory(child.pid!);
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data));
  const [code] = await once(child, 'close');
  const bytes = watch.stop();
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return { seconds: (performance.now() - start) / 1000, bytes };
}

/**
 * Processor seconds so far of a process and all its descendants, in user and kernel mode, with those of descendants
 * that have ended.
 */
export function processorSeconds(pid: number): number {
  return familyOf(pid).reduce((sum, one) => sum + ticksOf(one), 0) / TICKS;
}

/** Processor seconds so far of the threads that a process has now: of its first thread, and of each name of others. */
export function secondsByThread(pid: number): Readonly<Record<string, number>> {
  const seconds: Record<string, number> = {};
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${thread}`;
      const name = thread === String(pid) ? 'first' : readFileSync(`${folder}/comm`, 'utf8').trim();
      const [nanoseconds] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
      seconds[name] = (seconds[name] ?? 0) + Number(nanoseconds) / 1e9;
    } catch {
      // it ended in the meantime
    }
  }
  return seconds;
}

/** Ticks of a process, and of its children that have ended and that it has waited for. */
function ticksOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return 0; // it ended in the meantime
  }
}

function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))!;
      parents.set(Number(name), Number(parent));
    } catch {
      // it ended in the meantime
    }
  }
  const family = new Set([pid]);
  // a set grows while it is iterated
  for (const one of family) for (const [child, parent] of parents) if (parent === one) family.add(child);
  return [...family];
}

function proportionalBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
