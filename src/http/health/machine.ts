/** The machine as the operating system shows it to this process: disk, descriptors, memory. */
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import type { Machine } from '../../service/ports/health.ts';

/** Linux alone has them. */
const DESCRIPTORS = '/proc/self/fd';
const LIMITS = '/proc/self/limits';

/** Free space is that of the disk of `folder`, which exists. */
export function thisMachine(folder: string): Machine {
  const limit = descriptorLimit();
  return {
    disk: () => {
      // what others than root may use
      const { bavail, blocks, bsize } = statfsSync(folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    // reading the folder opens one more
    descriptors: () => (limit === null ? null : { open: readdirSync(DESCRIPTORS).length - 1, limit }),
    residentBytes: () => process.memoryUsage.rss(),
  };
}

/** The soft limit, which Node raises to the hard one when it starts. */
function descriptorLimit(): number | null {
  if (!existsSync(LIMITS) || !existsSync(DESCRIPTORS)) return null;
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync(LIMITS, 'utf8')) ?? [];
  return soft === undefined ? null : Number(soft);
}
