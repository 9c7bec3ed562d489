/** The machine as the operating system shows it to this process: disk, descriptors, memory. */
import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { openFileLimit } from './open-files.ts';
import type { Machine } from './ports/health.ts';

/** Only Linux has it. */
const DESCRIPTORS = '/proc/self/fd';

/** Free space is that of the disk of `folder`, which exists. */
export function thisMachine(folder: string): Machine {
  const limit = existsSync(DESCRIPTORS) ? openFileLimit() : null;
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
