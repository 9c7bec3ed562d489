/** A part of a blob that is arriving or is already on this machine. */
import { createHash } from 'node:crypto';
import { readFully } from '../../lib/files/slices.ts';
import type { Sink } from './client.ts';
import { DamagedAnswer } from './faults.ts';

/** A part of a file, identified by its contents and, if it belongs to a single file, by the name of that file. */
export interface PartId {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The single file, as `folder/file`. */
  readonly single?: string | undefined;
}

/** A part that can be read while it is open (`isOpen`). Once it is closed, it must be acquired again. */
export interface CachedPart extends PartId {
  /** Its file. */
  descriptor: number | null;
  /** Its bytes, if it has no file. */
  memory: Uint8Array | null;
  /** Number of readers that need the file to stay open. */
  pins: number;
  /** The order of reads: set it to `cache.tick()` with each read. */
  usedAt: number;
}

/** Whether a part can be read. */
export function isOpen(part: CachedPart): boolean {
  return part.descriptor !== null || part.memory !== null;
}

/** Equal parts of different single files are different parts. */
export function keyOf({ sha256, single }: PartId): string {
  return single === undefined ? sha256 : `${sha256} ${single}`;
}

/** Like `readFully`, but reads an open part. */
export function readPart({ descriptor, memory }: CachedPart, target: Uint8Array, position: number): number {
  if (memory === null) return readFully(descriptor!, target, position);
  const bytes = memory.subarray(position, position + target.length);
  target.set(bytes);
  return bytes.length;
}

/** Receives the bytes of a part as they arrive, and compares their sha256 with the expected one. */
export class Arrival implements Sink {
  readonly #part: PartId | null;
  readonly #store: (chunk: Uint8Array, position: number) => void;
  #hash = createHash('sha256');
  #position = 0;

  /** `store` receives the bytes. If the part is null, they are not verified. */
  constructor(part: PartId | null, store: (chunk: Uint8Array, position: number) => void) {
    this.#part = part;
    this.#store = store;
  }

  restart(): void {
    this.#hash = createHash('sha256');
    this.#position = 0;
  }

  write(chunk: Uint8Array): void {
    if (this.#part !== null) this.#hash.update(chunk);
    this.#store(chunk, this.#position);
    this.#position += chunk.length;
  }

  end(): void {
    if (this.#part === null) return;
    const sum = this.#hash.digest('hex');
    if (sum !== this.#part.sha256) throw new DamagedAnswer(`the sha256 is ${sum} instead of ${this.#part.sha256}`);
  }
}
