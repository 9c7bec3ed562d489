/**
 * Parts that a process keeps in memory, within a limit: parts that it has put and will read, and parts that it reads
 * once. Buffers of the latter are reused, because allocating memory would take more processor time than receiving the
 * bytes.
 */
import { Arrival, type CachedPart, type PartId } from './cached-part.ts';
import type { Sink } from './client.ts';
import type { BlobLimits } from './limits.ts';

export class PartMemory {
  readonly #partBytes: number;
  readonly #mostBytes: number;
  /** The parts, and since when they have been held (monotonic time). */
  readonly #held = new Map<CachedPart, number>();
  /** All buffers of this class, and the unused buffers. */
  readonly #buffers = new WeakSet<ArrayBufferLike>();
  readonly #free: ArrayBufferLike[] = [];
  /** Bytes of parts, and of buffers that are in use. */
  #usedBytes = 0;

  constructor({ blobPartBytes, blobSpoolParts }: Pick<BlobLimits, 'blobPartBytes' | 'blobSpoolParts'>) {
    this.#partBytes = blobPartBytes;
    this.#mostBytes = blobSpoolParts * blobPartBytes;
  }

  /**
   * Receives a part, which the caller must hold. Returns null if the part needs a file. Rejects as `fetch` does.
   */
  async receive(part: PartId, fetch: (sink: Sink) => Promise<void>): Promise<Uint8Array | null> {
    if (part.sizeBytes > this.#partBytes) return null;
    const free = this.#free.pop();
    if (!this.hasRoom(this.#partBytes)) return null;
    const buffer = free ?? new ArrayBuffer(this.#partBytes);
    this.#buffers.add(buffer);
    this.#usedBytes += buffer.byteLength;
    const memory = new Uint8Array(buffer, 0, part.sizeBytes);
    try {
      await fetch(new Arrival(part, (chunk, position) => memory.set(chunk, position)));
    } catch (error) {
      this.#giveBack(buffer);
      throw error;
    }
    return memory;
  }

  /** Whether this many bytes can be held. */
  hasRoom(bytes: number): boolean {
    while (this.#usedBytes + bytes + this.#free.length * this.#partBytes > this.#mostBytes)
      if (this.#free.pop() === undefined) return false;
    return true;
  }

  hold(part: CachedPart, now: number): void {
    if (!this.#buffers.has(part.memory!.buffer)) this.#usedBytes += part.sizeBytes;
    this.#held.set(part, now);
  }

  /** Releases the memory of a part. Does nothing if the part is not held. */
  release(part: CachedPart): void {
    if (!this.#held.delete(part)) return;
    const { buffer } = part.memory!;
    if (this.#buffers.has(buffer)) this.#giveBack(buffer);
    else this.#usedBytes -= part.sizeBytes;
  }

  /** The parts that are held since before a time. */
  heldBefore(time: number): CachedPart[] {
    return [...this.#held].filter(([, since]) => since < time).map(([part]) => part);
  }

  #giveBack(buffer: ArrayBufferLike): void {
    this.#usedBytes -= buffer.byteLength;
    this.#free.push(buffer);
  }
}
