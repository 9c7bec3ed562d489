/** Measures the disk space, file descriptors and memory of this process. */
import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { openFileLimit } from './open-files.ts';
import type { Machine } from './ports/health.ts';

/** This folder exists only on Linux. */
const DESCRIPTORS = '/proc/self/fd';

/** Measures free space on the disk of `folder`, which must exist. */
export function thisMachine(folder: string): Machine {
  const limit = existsSync(DESCRIPTORS) ? openFileLimit() : null;
  return {
    disk: () => {
      // the space available to users other than root
      const { bavail, blocks, bsize } = statfsSync(folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    // reading the folder opens one more descriptor
    descriptors: () => (limit === null ? null : { open: readdirSync(DESCRIPTORS).length - 1, limit }),
    residentBytes: () => process.memoryUsage.rss(),
  };
}
