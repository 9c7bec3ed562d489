/**
 * The files of a blob cache: parts named after their sha256, in a folder that several processes may share. Parts of
 * published folders are in `parts`, where equal parts share a file. A user set is a single file with its own folder of
 * parts, so that they can be removed together.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, read as readCallback, readdirSync, rmSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { DiskCache } from '../../lib/files/disk-cache.ts';
import { createFolder, ifMissing, removeQuietly, writeAll } from '../../lib/files/durable-files.ts';
import { Arrival, type PartId } from './cached-part.ts';
import type { Sink } from './client.ts';

const read = promisify(readCallback);

export interface PartFile extends PartId {
  readonly path: string;
  readonly usedAt: number;
}

/** Where the bytes of a part come from. Bytes from memory need no check, because their sha256 was just computed. */
export type Origin = 'storage' | 'memory';

/** A part is verified in slices of this size, so that other work can run in between. */
const SLICE_BYTES = 1024 ** 2;
/** Maximum number of times that the removal of a folder begins anew because a part arrived in it. */
const RETRIES_TO_REMOVE = 10;

export class CacheFiles {
  readonly #parts: string;
  readonly #singles: string;
  readonly #space: DiskCache;

  constructor(folder: string, space: DiskCache) {
    this.#parts = join(folder, 'parts');
    this.#singles = join(folder, 'singles');
    this.#space = space;
    for (const each of [this.#parts, this.#singles]) createFolder(each);
  }

  /** A descriptor of a part's file, whose bytes are verified; null if there is none, or if it was damaged. */
  async open(id: PartId, onDamage: () => void): Promise<number | null> {
    const path = this.#pathOf(id);
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      if ((await sumOf(descriptor, id.sizeBytes)) === id.sha256) return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    onDamage();
    removeQuietly(path, { recursive: false });
    return null;
  }

  /** Receives a part. Returns a descriptor of its file, which gets its name only if the bytes are correct. */
  async receive(part: PartId, fetch: (sink: Sink) => Promise<void>, origin: Origin = 'storage'): Promise<number> {
    const temporary = this.#space.arrivingPath();
    const descriptor = openSync(temporary, 'wx+');
    try {
      const write = (chunk: Uint8Array, position: number) => writeAll(descriptor, chunk, position);
      await fetch(new Arrival(origin === 'storage' ? part : null, write));
      await this.#name(temporary, part);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      removeQuietly(temporary, { recursive: false });
      throw error;
    }
  }

  async list(): Promise<PartFile[]> {
    const files: PartFile[] = [];
    for (const folder of await readdir(this.#parts)) files.push(...(await listParts(join(this.#parts, folder))));
    for (const single of await this.listSingles())
      for (const file of await listParts(this.#folderOf(single))) files.push({ ...file, single });
    return files;
  }

  /** Single files that may have parts in the cache. */
  async listSingles(): Promise<string[]> {
    return (await readdir(this.#singles)).map(decodeURIComponent);
  }

  /** Removes the parts of a single file. Readers that have them open can still read them. */
  removeSingle(single: string): void {
    // a part may get its name between the removal of the others and that of the folder
    rmSync(this.#folderOf(single), { recursive: true, force: true, maxRetries: RETRIES_TO_REMOVE, retryDelay: 0 });
  }

  /** Removes the parts of all single files. */
  removeSingles(): void {
    for (const folder of readdirSync(this.#singles)) removeQuietly(join(this.#singles, folder));
  }

  /** Records for all processes that a part was used now. */
  touch(part: PartId): void {
    this.#space.touch(this.#pathOf(part));
  }

  /** Gives a part that has arrived its name. */
  async #name(temporary: string, part: PartId): Promise<void> {
    const path = this.#pathOf(part);
    try {
      mkdirSync(dirname(path), { recursive: true });
      await rename(temporary, path);
    } catch (error) {
      // the single file is being removed, so its part gets no name
      if (part.single === undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await rm(temporary, { force: true });
    }
  }

  #pathOf({ sha256, single }: PartId): string {
    return join(single === undefined ? join(this.#parts, sha256.slice(0, 2)) : this.#folderOf(single), sha256);
  }

  #folderOf(single: string): string {
    return join(this.#singles, encodeURIComponent(single));
  }
}

async function listParts(folder: string): Promise<PartFile[]> {
  const files: PartFile[] = [];
  for (const sha256 of await readdir(folder).catch(ifMissing([]))) {
    const path = join(folder, sha256);
    const found = await stat(path).catch(ifMissing(null));
    if (found !== null) files.push({ sha256, path, sizeBytes: found.size, usedAt: found.mtimeMs });
  }
  return files;
}

async function sumOf(descriptor: number, sizeBytes: number): Promise<string | null> {
  const hash = createHash('sha256');
  // reads one extra byte, because a file that is too long is damaged too
  const buffer = Buffer.allocUnsafe(Math.min(SLICE_BYTES, sizeBytes + 1));
  let position = 0;
  for (;;) {
    const { bytesRead } = await read(descriptor, buffer, 0, buffer.length, position);
    if (bytesRead === 0) return position === sizeBytes ? hash.digest('hex') : null;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
    if (position > sizeBytes) return null;
  }
}
