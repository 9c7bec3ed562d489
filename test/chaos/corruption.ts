/** Flips bits in files, and records where: damaged data may be refused, but never served. */
import { closeSync, fstatSync, openSync, readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import type { Rng } from '../../src/lib/rng.ts';

/** A time in ms since 1970. */
export interface Span {
  readonly from: number;
  to: number;
}

export class Corruption {
  /** Folders of rankings, relative to the data folder. */
  readonly rankings = new Set<string>();
  /** When a segment of the population was damaged. */
  readonly segments: Span[] = [];
  /** After the service's clock has jumped, its times cannot be compared. */
  hasClockJumped = false;
}

/**
 * Whether a process has a file of this folder open: files that it has verified are not read again until they are
 * scrubbed.
 */
export function isOpen(pid: number, folder: string): boolean {
  return descriptorsOf(pid).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes(folder);
    } catch {
      return false;
    }
  });
}

/** For a process that was just killed: no file. */
function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

/**
 * Flips one bit of a file; the returned function flips it back.
 * @throws ENOENT
 */
export function flipBit(path: string, rng: Rng): () => void {
  const [drawn, bit] = [rng.integer(2 ** 31), 1 << rng.integer(8)];
  const flip = () => {
    const descriptor = openSync(path, 'r+');
    try {
      const byte = Buffer.alloc(1);
      const at = drawn % fstatSync(descriptor).size;
      readSync(descriptor, byte, 0, 1, at);
      byte[0]! ^= bit;
      writeSync(descriptor, byte, 0, 1, at);
    } finally {
      closeSync(descriptor);
    }
  };
  flip();
  return flip;
}
