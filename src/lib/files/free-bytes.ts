/** Measures the free space of a disk. */
import { statfsSync } from 'node:fs';
import { withStorage } from './durable-files.ts';

/**
 * Number of bytes that an ordinary user can still write to the disk of a folder.
 * @throws AppError storage_failed
 */
export function freeBytesIn(folder: string): number {
  const { bavail, bsize } = withStorage(`read the free space of ${folder}`, () => statfsSync(folder));
  return bavail * bsize;
}
