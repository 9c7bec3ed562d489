/** A part of a blob that this machine has. */
import { readFully } from '../../lib/files/slices.ts';

/** A part of a file, identified by its contents and, if it belongs to a single file, by the name of that file. */
export interface PartId {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The single file, as `folder/file`. */
  readonly single?: string | undefined;
}

/** A part that can be read while it is open (`isOpen`); then it must be acquired again. */
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

/** Like `readFully`, of a part that is open. */
export function readPart({ descriptor, memory }: CachedPart, target: Uint8Array, position: number): number {
  if (memory === null) return readFully(descriptor!, target, position);
  const bytes = memory.subarray(position, position + target.length);
  target.set(bytes);
  return bytes.length;
}
