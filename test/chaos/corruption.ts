/** Flips bits where they lie, and remembers where: what was hit may be refused, and never served. */
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
  /** When a segment of the population was not whole. */
  readonly segments: Span[] = [];
  /** Once the service's clock has jumped, the times that it notes say nothing. */
  hasClockJumped = false;
}

/** Whether a process has a file of this folder open: what it verified of that is not read again until it is scrubbed. */
export function isOpen(pid: number, folder: string): boolean {
  return descriptorsOf(pid).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes(folder);
    } catch {
      return false;
    }
  });
}

/** Of a process that was just killed, none. */
function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

/** Flips one bit of a file; calling what is returned flips it back. @throws ENOENT */
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
