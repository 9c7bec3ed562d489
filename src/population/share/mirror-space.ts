/**
 * Keeps the files of versions in a mirror within a limit. Files that any process of the machine uses are never removed;
 * of the others, files of versions that nobody uses go first, then those that were not used for the longest time.
 */
import { rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../lib/errors.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLock } from '../../lib/files/file-lock.ts';
import { listVersions } from '../versions/manifest.ts';
import type { MirrorHolders } from './mirror-holders.ts';
import { FETCHING } from './transfers.ts';

/** Locked while files are removed. */
const LOCK = 'space.lock';
const LOCK_WAIT_MS = 60_000;
/** Age from which an unfinished file counts as left by a killed process. */
const LEFT_MS = 60 * 60_000;
/** The mirror is measured again after this share of the limit was added. */
const MEASURED_SHARE = 1 / 16;

interface StoredFile {
  /** Relative to the mirror. */
  readonly path: string;
  readonly version: string;
  readonly size: number;
  readonly usedAt: number;
  /** Equal for links to the same file. */
  readonly identity: string;
}

/** Counts of a process, since it opened the mirror, of files that can be fetched again. */
export interface MirrorCounts {
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
  readonly evictedFiles: number;
  readonly evictedBytes: number;
  /** Bytes on this machine, as far as this process knows; null before it has measured them. */
  readonly storedBytes: number | null;
}

export class MirrorSpace {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #holders: MirrorHolders;
  readonly #now: () => number;
  /** Size at the last measurement, of files that were added since, and of files that are being fetched. */
  #bytes = Number.POSITIVE_INFINITY;
  #added = 0;
  #arriving = 0;
  #last: Promise<unknown> = Promise.resolve();
  readonly #counts = { fetchedFiles: 0, fetchedBytes: 0, evictedFiles: 0, evictedBytes: 0 };

  constructor(folder: string, limitBytes: number, holders: MirrorHolders, now: () => number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
    this.#holders = holders;
    this.#now = now;
  }

  get counts(): MirrorCounts {
    return { ...this.#counts, storedBytes: Number.isFinite(this.#bytes) ? this.#bytes + this.#added : null };
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /**
   * Runs `fetch`, which brings a file of this size, after making room for the file. If all files are in use, the mirror
   * exceeds its limit rather than stop the work.
   * @throws AppError unavailable, storage_failed, and the errors of `fetch`
   */
  async withRoom(bytes: number, fetch: () => Promise<void>): Promise<void> {
    this.#arriving += bytes;
    try {
      const done = this.#last.then(() => this.#makeRoom());
      this.#last = done.catch(() => {});
      await done;
      await fetch();
      this.#added += bytes;
      this.#counts.fetchedFiles += 1;
      this.#counts.fetchedBytes += bytes;
    } finally {
      this.#arriving -= bytes;
    }
  }

  /** Marks a file as used now. */
  touch(path: string): void {
    const seconds = this.#now() / 1000;
    try {
      utimesSync(join(this.#folder, path), seconds, seconds);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  async #makeRoom(): Promise<void> {
    const isMeasured = this.#added <= this.#limitBytes * MEASURED_SHARE;
    if (isMeasured && this.#bytes + this.#added + this.#arriving <= this.#limitBytes) return;
    const release = await awaitFileLock(join(this.#folder, LOCK), LOCK_WAIT_MS);
    if (release === null) throw new AppError('unavailable', `${join(this.#folder, LOCK)} is held for too long`);
    try {
      this.#added = 0;
      this.#bytes = await this.#removeUntil(this.#limitBytes - this.#arriving);
    } finally {
      release();
    }
  }

  /** Removes files until the others have at most this size. Returns the size of the others. */
  async #removeUntil(limit: number): Promise<number> {
    const files = await this.#files();
    const sizes = new Map(files.map(({ identity, size }) => [identity, size]));
    let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (total <= limit) return total;
    const held = this.#holders.held();
    const links = Map.groupBy(files, ({ identity }) => identity);
    const order = [...links.values()]
      .filter((all) => all.every(({ path }) => !held.has(path)))
      .map((all) => ({
        all,
        isOfUsed: all.some(({ version }) => held.has(version)),
        usedAt: Math.max(...all.map(({ usedAt }) => usedAt)),
      }))
      .sort((a, b) => Number(a.isOfUsed) - Number(b.isOfUsed) || a.usedAt - b.usedAt);
    for (const { all } of order) {
      if (total <= limit) break;
      withStorage(`remove ${all[0]!.path}`, () => {
        for (const { path } of all) rmSync(join(this.#folder, path), { force: true });
      });
      total -= all[0]!.size;
      this.#counts.evictedFiles += 1;
      this.#counts.evictedBytes += all[0]!.size;
    }
    return total;
  }

  /** The files of versions, without manifests. Removes what killed processes left. */
  async #files(): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    for (const version of listVersions(this.#folder)) {
      const inFolder = (sub: string) =>
        listFolder(join(this.#folder, version, sub)).map((name) => join(version, sub, name));
      for (const path of [...inFolder('').filter((name) => /\.i32/.test(name)), ...inFolder('segments')]) {
        const stat = statSync(join(this.#folder, path), { throwIfNoEntry: false });
        if (stat === undefined) continue;
        if (path.includes(FETCHING)) this.#removeLeft(path, stat.mtimeMs);
        else files.push({ path, version, size: stat.size, usedAt: stat.mtimeMs, identity: `${stat.dev} ${stat.ino}` });
      }
      await setImmediate();
    }
    return files;
  }

  #removeLeft(path: string, writtenAt: number): void {
    if (this.#now() - writtenAt > LEFT_MS) rmSync(join(this.#folder, path), { force: true });
  }
}
