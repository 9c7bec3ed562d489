/** An open blob in object storage, which reads the parts that are in the local cache. */
import { type OpenBlob, PartMissing } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import { storageError } from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';
import type { BlobCache, CachedPart } from './cache.ts';
import type { Sink } from './client.ts';
import type { FileParts } from './manifest.ts';
import { inParallel } from './retry.ts';

/** Brings the bytes of a part from object storage. */
export type FetchPart = (index: number, position: number, length: number, sink: Sink) => Promise<void>;

export interface CachedBlobOptions {
  readonly name: string;
  readonly file: FileParts;
  readonly cache: BlobCache;
  readonly fetch: FetchPart;
  readonly readAheadParts: number;
  /** Number of parts that are fetched at the same time. */
  readonly fetches: number;
}

export class CachedBlob implements OpenBlob {
  readonly sizeBytes: number;
  readonly #options: CachedBlobOptions;
  readonly #parts: (CachedPart | undefined)[];
  #pinned: CachedPart[] = [];
  /** The part after the last one that was fetched, for readers that continue there. */
  #next = 0;
  #isClosed = false;

  constructor(options: CachedBlobOptions) {
    this.#options = options;
    this.sizeBytes = options.file.sizeBytes;
    this.#parts = new Array(options.file.parts.length);
  }

  read(target: Uint8Array, position: number): number {
    const { name, cache, file } = this.#options;
    assert(!this.#isClosed, `${name} is closed`);
    const end = Math.min(position + target.length, this.sizeBytes);
    if (end <= position) return 0;
    const first = Math.floor(position / file.partBytes);
    const last = Math.floor((end - 1) / file.partBytes);
    for (let i = first; i <= last; i++) {
      const descriptor = this.#parts[i]?.descriptor;
      if (descriptor === undefined || descriptor === null) throw new PartMissing(() => this.#fetch(first, last));
      const start = i * file.partBytes;
      const from = Math.max(position, start);
      const to = Math.min(end, start + file.partBytes);
      const slice = target.subarray(from - position, to - position);
      try {
        if (readFully(descriptor, slice, from - start) !== slice.length) throw new Error('the file is too short');
      } catch (error) {
        throw storageError(`read ${name} from the cache of blobs`, error);
      }
      this.#parts[i]!.usedAt = cache.tick();
    }
    return end - position;
  }

  close(): void {
    this.#isClosed = true;
    for (const part of this.#pinned.splice(0)) this.#options.cache.unpin(part);
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

  async #acquire(index: number, pinned: boolean): Promise<CachedPart> {
    const { cache, fetch, file } = this.#options;
    const position = index * file.partBytes;
    const sizeBytes = Math.min(file.partBytes, file.sizeBytes - position);
    const id = { sha256: file.parts[index]!, sizeBytes };
    const part = await cache.acquire(id, (sink) => fetch(index, position, sizeBytes, sink), pinned);
    this.#parts[index] = part;
    return part;
  }
}
