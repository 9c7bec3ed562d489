/**
 * A folder of files that can be fetched again, with a size limit. The processes of a host may share it. The least
 * recently used files are removed first.
 */
import { randomUUID } from 'node:crypto';
import { rmSync, utimesSync } from 'node:fs';
import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { createFolder, ifMissing, withStorage } from './durable-files.ts';

/** Folder of files that are being fetched. */
export const ARRIVING_FOLDER = 'arriving';
/** A file that has been arriving for this long was left behind by a killed process. */
const LEFT_MS = 60 * 60_000;
/**
 * The folder is measured again after a process has added this share of the limit, because other processes add files
 * too.
 */
const MEASURED_SHARE = 1 / 16;
/** If the limit is exceeded, files are removed down to this share of it, so that the next files need no measurement. */
const KEPT_SHARE = 0.9;

export interface CachedFile {
  /** All names of the file, which are links to each other. */
  readonly paths: readonly string[];
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
  /** Files with the lowest rank are removed first. A file without a rank is in use and is kept. */
  readonly rank: number | null;
}

export interface DiskCacheOptions {
  readonly folder: string;
  readonly limitBytes: number;
  /** Maximum share, in percent, of the disk space that is either free or used by the files. */
  readonly diskPercent?: number;
  /** Lists all files except those that are still arriving. */
  readonly list: () => Promise<readonly CachedFile[]>;
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
}

/** Counts of this process. */
export interface DiskCacheCounts {
  evictions: number;
  evictedBytes: number;
  /** Size of the files, as far as this process knows; null before they are measured. */
  storedBytes: number | null;
}

export class DiskCache {
  readonly counts: DiskCacheCounts = { evictions: 0, evictedBytes: 0, storedBytes: null };
  readonly #options: DiskCacheOptions;
  /** Size of the files added since the last measurement, including those that are still arriving. */
  #added = 0;
  #arriving = 0;
  /** The limit at the last measurement. It also depends on the free disk space. */
  #limit = 0;
  #measuring: Promise<void> = Promise.resolve();

  constructor(options: DiskCacheOptions) {
    this.#options = options;
  }

  /** A new path for a file that is being fetched. @throws AppError storage_failed */
  arrivingPath(): string {
    const folder = join(this.#options.folder, ARRIVING_FOLDER);
    withStorage(`write ${folder}`, () => createFolder(folder));
    return join(folder, randomUUID());
  }

  /**
   * Makes room for a file of this size, then runs `fetch`, which adds it. If the disk is full, removes all files that
   * are not in use and runs `fetch` again. If all other files are in use, the limit is exceeded so that work can go on.
   * @throws AppError storage_failed, and the errors of `fetch`
   */
  async withRoom<T>(bytes: number, fetch: () => Promise<T>): Promise<T> {
    this.#arriving += bytes;
    try {
      await this.#keepLimit();
      const fetched = await fetch().catch(async (error: unknown) => {
        if (!isFull(error)) throw error;
        await this.#measure(0);
        return await fetch();
      });
      this.#added += bytes;
      this.counts.storedBytes! += bytes;
      return fetched;
    } finally {
      this.#arriving -= bytes;
    }
  }

  /** Marks a file as used now, for all processes. */
  touch(path: string): void {
    const seconds = this.#options.now() / 1000;
    try {
      utimesSync(path, seconds, seconds);
    } catch {
      // removed meanwhile, or in a read-only folder; the file can still be read
    }
  }

  /** Removes partial files of killed processes. */
  async removeLeft(): Promise<void> {
    const folder = join(this.#options.folder, ARRIVING_FOLDER);
    for (const name of await readdir(folder).catch(ifMissing([]))) {
      const path = join(folder, name);
      const found = await stat(path).catch(ifMissing(null));
      if (found !== null && found.mtimeMs < this.#options.now() - LEFT_MS) await rm(path, { force: true });
    }
  }

  async #keepLimit(): Promise<void> {
    const { limitBytes } = this.#options;
    const { storedBytes } = this.counts;
    const isMeasured = storedBytes !== null && this.#added <= limitBytes * MEASURED_SHARE;
    if (isMeasured && storedBytes + this.#arriving <= this.#limit) return;
    const done = this.#measuring.then(() => this.#measure(limitBytes));
    this.#measuring = done.catch(() => {});
    await done;
  }

  /** Measures the files, and removes some until the rest is within the limit. */
  async #measure(limitBytes: number): Promise<void> {
    const { folder, diskPercent, list } = this.#options;
    this.#added = 0;
    await this.removeLeft();
    const files = await list();
    let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#limit = limitBytes;
    if (diskPercent !== undefined) {
      const { bavail, bsize } = await statfs(folder);
      this.#limit = Math.min(limitBytes, (bavail * bsize + total) * (diskPercent / 100));
    }
    if (total + this.#arriving > this.#limit)
      for (const { paths, sizeBytes } of inOrder(files)) {
        if (total + this.#arriving <= this.#limit * KEPT_SHARE) break;
        withStorage(`remove ${paths[0]}`, () => {
          for (const path of paths) rmSync(path, { force: true });
        });
        total -= sizeBytes;
        this.counts.evictions += 1;
        this.counts.evictedBytes += sizeBytes;
      }
    this.counts.storedBytes = total;
  }
}

/** The files that may be removed, in order of removal. */
function inOrder(files: readonly CachedFile[]): readonly CachedFile[] {
  return files.filter(({ rank }) => rank !== null).sort((a, b) => a.rank! - b.rank! || a.usedAt - b.usedAt);
}

function isFull(error: unknown): boolean {
  const code = error instanceof AppError ? error.facts['errno'] : (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC';
}
