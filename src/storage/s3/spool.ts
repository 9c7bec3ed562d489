/**
 * A file that is written on this machine before it goes to object storage, because its name depends on its content. The
 * first parts are in memory, the others in a local file. That file has no name, so it disappears if the process dies.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobWriter, UnnamedBlob } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import { createFolder, withStorage, writeAll } from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';
import { PartHasher, type Source } from './upload.ts';

/** The subfolder of a cache folder for files that are being written. */
export function spoolOf(cacheFolder: string): string {
  return join(cacheFolder, 'spool');
}

export interface Spool {
  readonly memory: SpoolMemory;
  /** The file is created here if the memory does not suffice. */
  readonly folder: string;
  /** Names the file in errors. */
  readonly name: string;
  /** Stores the file; `sums` holds the sha256 of each part. */
  readonly publish: (file: string, source: Source, sums: readonly string[]) => Promise<void>;
}

export class SpooledWriter implements BlobWriter {
  readonly #spool: Spool;
  readonly #hasher: PartHasher;
  readonly #parts: Uint8Array[] = [];
  /** A file with the bytes that do not fit into `#parts`; null while all fit. */
  #descriptor: number | null = null;
  #sizeBytes = 0;
  #isOpen = true;

  constructor(spool: Spool) {
    this.#spool = spool;
    this.#hasher = new PartHasher(spool.memory.partBytes);
  }

  write(data: NodeJS.ArrayBufferView): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#orAbort(() => {
      for (let at = 0; at < bytes.length; ) at += this.#put(bytes.subarray(at));
    });
    this.#hasher.add(bytes);
  }

  read(target: Uint8Array, position: number): number {
    return this.#orAbort(() => this.#read(target, position));
  }

  async finish(): Promise<UnnamedBlob> {
    assert(this.#isOpen, `${this.#spool.name} is closed`);
    const sums = this.#hasher.end();
    return {
      publish: async (file) => {
        assert(this.#isOpen, `${this.#spool.name} is closed`);
        const source = { sizeBytes: this.#sizeBytes, slice: (at: number, length: number) => this.#slice(at, length) };
        await this.#spool.publish(file, source, sums);
        this.abort();
      },
      discard: () => this.abort(),
    };
  }

  abort(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#spool.memory.giveBack(this.#parts);
    if (this.#descriptor !== null) closeSync(this.#descriptor);
  }

  /** Stores the first of the bytes, at least one; returns their number. */
  #put(bytes: Uint8Array): number {
    const { memory } = this.#spool;
    if (this.#descriptor === null && this.#sizeBytes === this.#inMemory()) {
      const part = memory.take();
      if (part === null) this.#descriptor = this.#openFile();
      else this.#parts.push(part);
    }
    const at = this.#sizeBytes % memory.partBytes;
    const stored = this.#descriptor === null ? bytes.subarray(0, memory.partBytes - at) : bytes;
    if (this.#descriptor === null) this.#parts.at(-1)!.set(stored, at);
    else writeAll(this.#descriptor, stored, null);
    this.#sizeBytes += stored.length;
    return stored.length;
  }

  /** Size of the memory for parts. */
  #inMemory(): number {
    return this.#parts.length * this.#spool.memory.partBytes;
  }

  #openFile(): number {
    const { folder } = this.#spool;
    createFolder(folder);
    const path = join(folder, randomUUID());
    const descriptor = openSync(path, 'wx+');
    unlinkSync(path);
    return descriptor;
  }

  /** Like `readFully`. */
  #read(target: Uint8Array, position: number): number {
    const { partBytes } = this.#spool.memory;
    let read = 0;
    while (read < target.length && position + read < this.#sizeBytes) {
      const at = position + read;
      const part = this.#parts[Math.floor(at / partBytes)];
      if (part === undefined) return read + readFully(this.#descriptor!, target.subarray(read), at - this.#inMemory());
      const end = Math.min(partBytes, this.#sizeBytes - at + (at % partBytes));
      const found = part.subarray(at % partBytes, end).subarray(0, target.length - read);
      target.set(found, read);
      read += found.length;
    }
    return read;
  }

  /** Returns bytes that do not change until the writer is closed. Bytes within one part in memory are not copied. */
  #slice(position: number, length: number): Uint8Array {
    const { partBytes } = this.#spool.memory;
    const from = position % partBytes;
    const part = this.#parts[Math.floor(position / partBytes)];
    if (part !== undefined && from + length <= partBytes) return part.subarray(from, from + length);
    const bytes = new Uint8Array(length);
    this.read(bytes, position);
    return bytes;
  }

  #orAbort<T>(action: () => T): T {
    // the memory and the descriptor of a closed writer may by now belong to another writer
    assert(this.#isOpen, `${this.#spool.name} is closed`);
    try {
      return withStorage(`write ${this.#spool.name}`, action);
    } catch (error) {
      this.abort();
      throw error;
    }
  }
}

/**
 * Part-sized buffers for files that are being written. They are reused, because allocating memory for each file would
 * take more processor time than writing it.
 */
export class SpoolMemory {
  readonly partBytes: number;
  readonly #free: Uint8Array[] = [];
  /** Number of buffers that may still be allocated. */
  #unmade: number;

  constructor(partBytes: number, most: number) {
    this.partBytes = partBytes;
    this.#unmade = most;
  }

  /** A buffer that nobody else uses; null if all are in use. */
  take(): Uint8Array | null {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade === 0) return null;
    this.#unmade -= 1;
    return new Uint8Array(this.partBytes);
  }

  giveBack(buffers: readonly Uint8Array[]): void {
    this.#free.push(...buffers);
  }
}
