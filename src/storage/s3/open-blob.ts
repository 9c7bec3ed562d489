/** An open blob in object storage, which reads the parts that are in the local cache. */
import { type OpenBlob, PartMissing } from '../../domain/ports/blobs.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { storageError } from '../../lib/files/durable-files.ts';
import { inParallel } from '../../lib/limited.ts';
import type { BlobCache } from './cache.ts';
import { type CachedPart, isOpen, readPart } from './cached-part.ts';
import type { Sink } from './client.ts';
import type { FileParts } from './manifests.ts';

/** Fetches the bytes of a part from object storage. */
export type FetchPart = (index: number, position: number, length: number, sink: Sink) => Promise<void>;

export interface CachedBlobOptions {
  /** `folder/file` */
  readonly name: string;
  /** Whether the file is a single file, whose parts are cached apart from those of others. */
  readonly isSingle: boolean;
  readonly file: FileParts;
  readonly cache: BlobCache;
  readonly fetch: FetchPart;
  readonly readAheadParts: number;
  /** Number of parts that are fetched at the same time. */
  readonly fetches: number;
  /** As in `OpenOptions`. */
  readonly isReadOnce: boolean;
}

export class CachedBlob implements OpenBlob {
  readonly sizeBytes: number;
  readonly #options: CachedBlobOptions;
  readonly #partBytes: number;
  readonly #closedMessage: string;
  readonly #parts: (CachedPart | undefined)[];
  #pinned: CachedPart[] = [];
  /** The part after the last one that was fetched, for readers that continue there. */
  #next = 0;
  #isClosed = false;

  constructor(options: CachedBlobOptions) {
    this.#options = options;
    this.sizeBytes = options.file.sizeBytes;
    this.#partBytes = options.file.partBytes;
    this.#closedMessage = `${options.name} is closed`;
    this.#parts = new Array(options.file.parts.length);
  }

  // called for each look-up: the usual read lies within one part, whose file is open
  read(target: Uint8Array, position: number): number {
    assert(!this.#isClosed, this.#closedMessage);
    const end = Math.min(position + target.length, this.sizeBytes);
    if (end <= position) return 0;
    const partBytes = this.#partBytes;
    const first = Math.floor(position / partBytes);
    if (end <= (first + 1) * partBytes && end - position === target.length) {
      this.#readPart(first, first, target, position - first * partBytes);
      return target.length;
    }
    const last = Math.floor((end - 1) / partBytes);
    for (let i = last; i >= first; i--) {
      const start = i * partBytes;
      const from = Math.max(position, start);
      const slice = target.subarray(from - position, Math.min(end, start + partBytes) - position);
      this.#readPart(i, first, slice, from - start);
    }
    return end - position;
  }

  close(): void {
    this.#isClosed = true;
    const { cache } = this.#options;
    for (const part of this.#pinned.splice(0)) cache.unpin(part);
    // bytes that are kept only in memory are read only once
    for (const part of this.#parts) if (part !== undefined) cache.drop(part);
  }

  /**
   * Fills `target` from a part. If the part is not on this machine, it is fetched together with the parts from `first`.
   */
  #readPart(index: number, first: number, target: Uint8Array, position: number): void {
    const part = this.#parts[index];
    if (part === undefined || !isOpen(part)) throw this.#missing(first, index);
    let read: number;
    try {
      read = readPart(part, target, position);
    } catch (error) {
      throw storageError(`read ${this.#options.name} from the cache of blobs`, error);
    }
    if (read !== target.length) throw this.#shortened();
    part.usedAt = this.#options.cache.tick();
  }

  #missing(first: number, last: number): PartMissing {
    return new PartMissing(() => this.#fetch(first, last));
  }

  /** The file was verified when it was opened. */
  #shortened(): AppError {
    const facts = { errno: 'EIO' };
    return new AppError('storage_failed', `a cached part of ${this.#options.name} became shorter`, { facts });
  }

  /** Fetches all parts, and keeps their files open. Rejects with AppError storage_failed. */
  async fetchAll(): Promise<void> {
    const indexes = this.#parts.keys();
    await inParallel(indexes, this.#options.fetches, async (index) => {
      this.#pinned.push(await this.#acquire(index, true));
    });
  }

  async #fetch(first: number, last: number): Promise<void> {
    const { fetches, readAheadParts, file } = this.#options;
    const isSequential = first > 0 && first === this.#next;
    const ahead = isSequential ? Math.min(last + readAheadParts, file.parts.length - 1) : last;
    this.#next = ahead + 1;
    const indexes = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    await inParallel(indexes, fetches, async (index) => {
      await this.#acquire(index, false);
    });
    // a read that needs one of these parts reports the error
    for (let i = last + 1; i <= ahead; i++) this.#acquire(i, false).catch(() => {});
  }

  async #acquire(index: number, isPinned: boolean): Promise<CachedPart> {
    const { cache, fetch, file, name, isSingle, isReadOnce } = this.#options;
    const position = index * file.partBytes;
    const sizeBytes = Math.min(file.partBytes, file.sizeBytes - position);
    const id = { sha256: file.parts[index]!, sizeBytes, ...(isSingle && { single: name }) };
    const bring = (sink: Sink) => fetch(index, position, sizeBytes, sink);
    const part = await cache.acquire(id, bring, { isPinned, isReadOnce });
    this.#parts[index] = part;
    return part;
  }
}
