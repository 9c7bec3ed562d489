/**
 * The local cache of blobs from object storage: a folder of parts with a limited size, shared by the processes of a
 * host. A part is verified when it arrives and when a process opens its file, so damaged files are fetched again.
 */
import { closeSync } from 'node:fs';
import type { BlobCacheCounts } from '../../domain/ports/cluster.ts';
import type { Clock } from '../../lib/clock.ts';
import { type CachedFile, DiskCache } from '../../lib/files/disk-cache.ts';
import { storageError, withStorage } from '../../lib/files/durable-files.ts';
import { CacheFiles, type Origin } from './cache-files.ts';
import { type CachedPart, isOpen, keyOf, type PartId } from './cached-part.ts';
import { type Sink, send } from './client.ts';
import type { BlobLimits } from './limits.ts';
import { PartMemory } from './part-memory.ts';
import type { Source } from './upload.ts';

/** Single files that have parts on this machine, by their names (`folder/file`). */
export interface CachedSingles {
  /** Also removes partial files of killed processes. Rejects with AppError storage_failed. */
  listSingles(): Promise<readonly string[]>;

  /**
   * Removes the parts of a single file. Readers that have it open can read it to its end.
   * @throws AppError storage_failed
   */
  forgetSingle(name: string): void;
}

/** As in `BlobCacheCounts`. */
export type CacheCounts = { -readonly [K in keyof BlobCacheCounts]: number };

export interface AcquireOptions {
  /** Whether the part stays open until `unpin`. */
  readonly isPinned?: boolean;
  /** Whether a fetched part may be kept in memory only, until `drop`. */
  readonly isReadOnce?: boolean;
}

/** Why a part is fetched. Hits and misses are counted only for readers. */
type Purpose = 'keep' | 'read' | 'read once';

export interface CacheOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly limits: BlobLimits;
}

/** How long an unread part that this process has put stays in memory if other parts need the space. */
const UNREAD_MS = 600_000;

export class BlobCache implements CachedSingles {
  /** Counts since the process began, for metrics. */
  readonly counts: Readonly<CacheCounts>;
  readonly #counts: CacheCounts;
  readonly #files: CacheFiles;
  readonly #space: DiskCache;
  readonly #clock: Clock;
  readonly #limits: BlobLimits;
  readonly #open = new Map<string, CachedPart>();
  readonly #arriving = new Map<string, Promise<CachedPart>>();
  readonly #memory: PartMemory;
  #ticks = 0;
  /** The value of `tick` when the files were last listed. */
  #ticksWhenListed = 0;

  /** Creates the folder. @throws AppError storage_failed */
  constructor({ folder, clock, limits }: CacheOptions) {
    this.#space = new DiskCache({
      folder,
      limitBytes: limits.blobCacheBytes,
      diskPercent: limits.blobCacheDiskPercent,
      list: () => this.#list(),
      now: () => clock.now(),
    });
    try {
      this.#files = new CacheFiles(folder, this.#space);
    } catch (error) {
      throw storageError(`use the cache of blobs at ${folder}`, error);
    }
    this.#clock = clock;
    this.#limits = limits;
    this.#memory = new PartMemory(limits);
    this.#counts = {
      ...{ hits: 0, misses: 0, fetchedBytes: 0, evictions: 0, evictedBytes: 0 },
      ...{ damaged: 0, storedBytes: 0 },
    };
    this.counts = this.#counts;
  }

  /** A number that grows with each call. */
  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  /**
   * Returns an open part. `fetch` gets bytes that are not on this machine. Concurrent callers that need the same part
   * share one fetch. Rejects with AppError storage_failed.
   */
  async acquire(
    id: PartId,
    fetch: (sink: Sink) => Promise<void>,
    { isPinned = false, isReadOnce = false }: AcquireOptions = {},
  ): Promise<CachedPart> {
    const purpose = isReadOnce ? 'read once' : 'read';
    let part = await this.#find(id, fetch, purpose);
    // the part may be closed again before this call continues
    while (!isOpen(part)) part = await this.#find(id, fetch, purpose);
    part.usedAt = this.tick();
    if (isPinned) part.pins += 1;
    return part;
  }

  /**
   * Keeps the parts of a file that this process has put, so that they need not be fetched. `parts` contains their
   * sha256. The bytes must not change any more. The first parts stay in memory until `drop`; the others are written to
   * files.
   */
  async keep(parts: readonly string[], { sizeBytes, slice }: Source, partBytes: number): Promise<void> {
    for (const [i, sha256] of parts.entries()) {
      const position = i * partBytes;
      const length = Math.min(partBytes, sizeBytes - position);
      const id = { sha256, sizeBytes: length };
      if (this.#keepInMemory(id, () => slice(position, length))) continue;
      // parts that cannot be kept can be fetched later
      await this.#find(id, (sink) => send(slice(position, length), sink), 'keep').catch(() => {});
    }
  }

  /** Frees the memory of a part, unless a reader needs it. The part can be fetched again. */
  drop(part: CachedPart): void {
    if (part.memory !== null && part.pins === 0) this.#closePart(part);
  }

  /** Returns false if the part needs a file. */
  #keepInMemory(id: PartId, bytes: () => Uint8Array): boolean {
    const now = this.#clock.elapsed();
    for (const part of this.#memory.heldBefore(now - UNREAD_MS)) this.drop(part);
    const key = keyOf(id);
    if (this.#open.has(key) || this.#arriving.has(key) || !this.#memory.hasRoom(id.sizeBytes)) return false;
    const part = this.#partOf(id, { memory: bytes() });
    this.#open.set(key, part);
    this.#memory.hold(part, now);
    return true;
  }

  #partOf(id: PartId, bytes: Partial<CachedPart>): CachedPart {
    return { ...id, descriptor: null, memory: null, ...bytes, pins: 0, usedAt: this.tick() };
  }

  /** The open part, or the part that is being fetched. */
  async #find(id: PartId, fetch: (sink: Sink) => Promise<void>, purpose: Purpose): Promise<CachedPart> {
    const key = keyOf(id);
    const open = this.#open.get(key);
    if (open !== undefined) {
      if (purpose !== 'keep') this.#counts.hits += 1;
      return open;
    }
    let arriving = this.#arriving.get(key);
    if (arriving === undefined) {
      arriving = this.#bring(id, fetch, purpose).finally(() => this.#arriving.delete(key));
      this.#arriving.set(key, arriving);
    }
    return await arriving;
  }

  unpin(part: CachedPart): void {
    part.pins -= 1;
    // a removed part must not stay on the disk just because a process has it open
    if (part.single !== undefined && part.pins === 0) this.#closePart(part);
    else this.#closeSpare();
  }

  async listSingles(): Promise<readonly string[]> {
    try {
      await this.#space.removeLeft();
      return await this.#files.listSingles();
    } catch (error) {
      throw storageError('use the cache of blobs', error);
    }
  }

  forgetSingle(name: string): void {
    for (const part of this.#open.values()) if (part.single === name && part.pins === 0) this.#closePart(part);
    withStorage('use the cache of blobs', () => this.#files.removeSingle(name));
  }

  /**
   * Closes all files. Parts in use must be acquired again. Parts of single files are removed, because this process will
   * no longer be told when those files are removed.
   */
  close(): void {
    for (const part of this.#open.values()) this.#closePart(part);
    this.#files.removeSingles();
  }

  async #bring(id: PartId, fetch: (sink: Sink) => Promise<void>, purpose: Purpose): Promise<CachedPart> {
    try {
      const descriptor = await this.#files.open(id, () => {
        this.#counts.damaged += 1;
      });
      if (descriptor !== null) {
        if (purpose !== 'keep') this.#counts.hits += 1;
        this.#files.touch(id);
      }
      const part = this.#partOf(id, descriptor === null ? await this.#receive(id, fetch, purpose) : { descriptor });
      if (part.memory !== null) this.#memory.hold(part, this.#clock.elapsed());
      this.#open.set(keyOf(id), part);
      this.#closeSpare();
      return part;
    } catch (error) {
      throw storageError('use the cache of blobs', error);
    }
  }

  async #receive(id: PartId, fetch: (sink: Sink) => Promise<void>, purpose: Purpose): Promise<Partial<CachedPart>> {
    if (purpose === 'keep') return { descriptor: await this.#receiveFile(id, fetch, 'memory') };
    this.#counts.misses += 1;
    const memory = purpose === 'read once' ? await this.#memory.receive(id, fetch) : null;
    const received = memory === null ? { descriptor: await this.#receiveFile(id, fetch, 'storage') } : { memory };
    this.#counts.fetchedBytes += id.sizeBytes;
    return received;
  }

  async #receiveFile(id: PartId, fetch: (sink: Sink) => Promise<void>, origin: Origin): Promise<number> {
    const descriptor = await this.#space.withRoom(id.sizeBytes, () => this.#files.receive(id, fetch, origin));
    const { storedBytes, ...counts } = this.#space.counts;
    Object.assign(this.#counts, { ...counts, storedBytes: storedBytes ?? 0 });
    return descriptor;
  }

  /**
   * Lists the files, after marking those that were read since the last call as used. An open file stays readable after
   * its removal. Pinned parts are removed last, because their space is not free until their readers close them.
   */
  async #list(): Promise<readonly CachedFile[]> {
    for (const part of this.#open.values()) if (part.usedAt > this.#ticksWhenListed) this.#files.touch(part);
    this.#ticksWhenListed = this.#ticks;
    return (await this.#files.list()).map(({ path, sizeBytes, usedAt, ...part }) => {
      const isPinned = (this.#open.get(keyOf({ ...part, sizeBytes }))?.pins ?? 0) > 0;
      return { paths: [path], sizeBytes, usedAt, rank: isPinned ? 1 : 0 };
    });
  }

  /** If too many files without a waiting reader are open, closes those that were least recently read. */
  #closeSpare(): void {
    const spare = [...this.#open.values()].filter(({ pins }) => pins === 0);
    const excess = spare.length - this.#limits.blobOpenParts;
    if (excess <= 0) return;
    for (const part of spare.sort((a, b) => a.usedAt - b.usedAt).slice(0, excess)) this.#closePart(part);
  }

  #closePart(part: CachedPart): void {
    if (this.#open.get(keyOf(part)) === part) this.#open.delete(keyOf(part));
    if (part.descriptor !== null) closeSync(part.descriptor);
    this.#memory.release(part);
    part.descriptor = null;
    part.memory = null;
  }
}
