/** The files of a blob cache: parts named after their sha256 in a folder that several processes may share. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, read as readCallback, unlinkSync, utimesSync, writeSync } from 'node:fs';
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createFolder, removeQuietly } from '../../lib/files/durable-files.ts';
import type { Sink } from './client.ts';
import { DamagedAnswer } from './faults.ts';

const read = promisify(readCallback);

/** A part of a file, identified by its contents. */
export interface PartId {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface CachedFile extends PartId {
  readonly path: string;
  readonly usedAt: number;
}

/** Other work runs between slices of this size while a part is verified. */
const SLICE_BYTES = 1024 ** 2;
/** Age at which a file that is still arriving belongs to a process that was killed. */
const ARRIVING_MS = 3600 * 1000;

export class CacheFiles {
  readonly #parts: string;
  readonly #arriving: string;

  constructor(folder: string) {
    this.#parts = join(folder, 'parts');
    this.#arriving = join(folder, 'arriving');
    createFolder(this.#parts);
    createFolder(this.#arriving);
  }

  /** A descriptor of a part's file, whose bytes are verified; null if there is none, or if it was damaged. */
  async open({ sha256, sizeBytes }: PartId, onDamage: () => void): Promise<number | null> {
    const path = this.#pathOf(sha256);
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      if ((await sumOf(descriptor, sizeBytes)) === sha256) return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    onDamage();
    removeQuietly(path, { recursive: false });
    return null;
  }

  /** Receives a part. Returns a descriptor of its file, which has its name only if its bytes are right. */
  async receive(part: PartId, fetch: (sink: Sink) => Promise<void>): Promise<number> {
    const temporary = join(this.#arriving, randomUUID());
    const descriptor = openSync(temporary, 'wx+');
    try {
      await fetch(new Arrival(descriptor, part));
      createFolder(join(this.#parts, part.sha256.slice(0, 2)));
      await rename(temporary, this.#pathOf(part.sha256));
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      removeQuietly(temporary, { recursive: false });
      throw error;
    }
  }

  /** All parts, and removes what killed processes were receiving. `now` in milliseconds since 1970. */
  async list(now: number): Promise<CachedFile[]> {
    for (const name of await readdir(this.#arriving)) {
      const path = join(this.#arriving, name);
      const found = await statOrNull(path);
      if (found !== null && found.mtimeMs < now - ARRIVING_MS) await rm(path, { force: true });
    }
    const files: CachedFile[] = [];
    for (const folder of await readdir(this.#parts)) {
      for (const sha256 of await readdir(join(this.#parts, folder))) {
        const path = this.#pathOf(sha256);
        const found = await statOrNull(path);
        if (found !== null) files.push({ sha256, path, sizeBytes: found.size, usedAt: found.mtimeMs });
      }
    }
    return files;
  }

  /** Removes a part's file. Whoever has it open can still read it. */
  remove(sha256: string): void {
    try {
      unlinkSync(this.#pathOf(sha256));
    } catch (error) {
      // another process was first
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Notes that a part was used now, for all processes. `now` in milliseconds since 1970. */
  touch(sha256: string, now: number): void {
    try {
      utimesSync(this.#pathOf(sha256), now / 1000, now / 1000);
    } catch {
      // removed in the meantime, or a read-only folder: the part can be read all the same
    }
  }

  /** Free space of the disk, in bytes. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#parts);
    return bavail * bsize;
  }

  #pathOf(sha256: string): string {
    return join(this.#parts, sha256.slice(0, 2), sha256);
  }
}

/** Writes arriving bytes to a file, and compares their sha256 at the end. */
class Arrival implements Sink {
  readonly #descriptor: number;
  readonly #part: PartId;
  #hash = createHash('sha256');
  #position = 0;

  constructor(descriptor: number, part: PartId) {
    this.#descriptor = descriptor;
    this.#part = part;
  }

  restart(): void {
    this.#hash = createHash('sha256');
    this.#position = 0;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(this.#descriptor, chunk, at, chunk.length - at, this.#position + at);
    }
    this.#position += chunk.length;
  }

  end(): void {
    const sum = this.#hash.digest('hex');
    if (sum !== this.#part.sha256) throw new DamagedAnswer(`the sha256 is ${sum} instead of ${this.#part.sha256}`);
  }
}

async function sumOf(descriptor: number, sizeBytes: number): Promise<string | null> {
  const hash = createHash('sha256');
  // one byte more, because a file that is too long is damaged too
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

async function statOrNull(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
