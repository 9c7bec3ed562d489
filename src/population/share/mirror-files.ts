/**
 * Fetches the files of versions into a mirror, also for threads that are waiting for a file, and limits their total
 * size. Files that a process of this host holds are never removed. Files of versions that no process uses are removed
 * first.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { ARRIVING_FOLDER, type CachedFile, DiskCache } from '../../lib/files/disk-cache.ts';
import { linkDurably, syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLock } from '../../lib/files/file-lock.ts';
import {
  listVersions,
  type Manifest,
  type ManifestFile,
  ownFiles,
  readManifest,
  readManifests,
} from '../versions/manifest.ts';
import { readApplied, writeApplied } from './apply-index.ts';
import { HOLDERS_FOLDER, type MirrorHolders } from './mirror-holders.ts';
import { ACCEPTED, answer, CHANNEL, FAILED, type FileRequest, isMirror, MIRROR_FILE, PRESENT } from './missing-file.ts';
import { fetchVerified, isIntact } from './transfers.ts';

/** What a process has fetched and removed since it opened the mirror. */
export interface MirrorCounts {
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
  readonly evictedFiles: number;
  readonly evictedBytes: number;
  /** Bytes on this machine, as far as this process knows; null before they are measured. */
  readonly storedBytes: number | null;
}

export interface MirrorFilesOptions {
  readonly folder: string;
  readonly files: BlobFiles;
  readonly holders: MirrorHolders;
  readonly limitBytes: number;
  readonly now: () => number;
  /** Rebuilds the table at a path; returns null if there is no such table. */
  readonly rebuildTable: (path: string) => Promise<void> | null;
}

export class MirrorFiles {
  readonly #folder: string;
  readonly #files: BlobFiles;
  readonly #holders: MirrorHolders;
  readonly #space: DiskCache;
  readonly #fetched = { fetchedFiles: 0, fetchedBytes: 0 };
  readonly #rebuildTable: (path: string) => Promise<void> | null;
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #manifests = new Map<string, Manifest>();
  /** Files that are being fetched, by path. */
  readonly #fetching = new Map<string, Promise<void>>();

  constructor({ folder, files, holders, limitBytes, now, rebuildTable }: MirrorFilesOptions) {
    this.#folder = folder;
    this.#files = files;
    this.#holders = holders;
    this.#space = new DiskCache({ folder, limitBytes, list: () => this.#list(), now });
    this.#rebuildTable = rebuildTable;
    this.#channel.onmessage = (event: { data: unknown }) => void this.#serve(event.data as FileRequest);
    this.#channel.unref();
  }

  get counts(): MirrorCounts {
    const { evictions: evictedFiles, evictedBytes, storedBytes } = this.#space.counts;
    return { ...this.#fetched, evictedFiles, evictedBytes, storedBytes };
  }

  /** Stops answering threads. */
  close(): void {
    this.#channel.close();
  }

  /** @throws AppError invalid_population */
  manifestOf(version: string): Manifest {
    const known = this.#manifests.get(version) ?? readManifest(this.#folder, version);
    this.#manifests.set(version, known);
    return known;
  }

  forgetManifests(): void {
    this.#manifests.clear();
  }

  /**
   * Returns when a file of a version is on this machine. A file with the right size counts as intact unless it is
   * suspect. @throws AppError storage_failed, unavailable, invalid_population
   */
  fetch(version: string, file: ManifestFile, { isSuspect = false } = {}): Promise<void> {
    const path = join(version, file.path);
    return this.#once(path, async () => {
      const target = join(this.#folder, path);
      const isThere = statSync(target, { throwIfNoEntry: false })?.size === file.size;
      if (isThere && (!isSuspect || (await isIntact(target, file)))) {
        this.#space.touch(target);
        return;
      }
      withStorage(`write ${target}`, () => rmSync(target, { force: true }));
      if (await this.#linked(version, file, target)) return;
      await this.#space.withRoom(file.size, () => fetchVerified(this.#files, file, target, this.#space.arrivingPath()));
      this.#fetched.fetchedFiles += 1;
      this.#fetched.fetchedBytes += file.size;
    });
  }

  /** Answers a thread of this process that waits for a file. */
  async #serve({ folder, path, state }: FileRequest): Promise<void> {
    if (folder !== this.#folder) return;
    answer(state, ACCEPTED);
    try {
      await this.#fetchPath(path);
      answer(state, PRESENT);
    } catch (error) {
      answer(state, FAILED, messageOf(error));
    }
  }

  async #fetchPath(path: string): Promise<void> {
    const [version, ...rest] = path.split('/') as [string, ...string[]];
    if (!listVersions(this.#folder).includes(version)) {
      await this.#once(path, () => {
        const rebuilt = this.#rebuildTable(path);
        if (rebuilt === null) throw new AppError('invalid_population', `the mirror has no file ${path}`);
        return rebuilt;
      });
      return;
    }
    const manifest = this.manifestOf(version);
    const file = ownFiles(manifest).find((one) => one.path === rest.join('/'));
    if (file === undefined) throw new AppError('invalid_population', `version ${version} has no file ${path}`);
    await this.fetch(version, file, { isSuspect: true });
  }

  /** Links the same file of another version, if this machine has it. */
  async #linked(version: string, file: ManifestFile, target: string): Promise<boolean> {
    for (const other of listVersions(this.#folder)) {
      if (other === version) continue;
      const same = ownFiles(this.manifestOf(other)).find(({ sha256 }) => sha256 === file.sha256);
      const path = same && join(this.#folder, other, same.path);
      if (path === undefined || !(await isIntact(path, file))) continue;
      try {
        linkDurably(path, target);
        syncFolder(join(target, '..'));
        return true;
      } catch {
        // another process has removed the file, or has made the link
        return await isIntact(target, file);
      }
    }
    return false;
  }

  /** The files of versions, without manifests. */
  async #list(): Promise<readonly CachedFile[]> {
    const held = this.#holders.held();
    const files = new Map<string, CachedFile>();
    for (const manifest of readManifests(this.#folder)) {
      const { version } = manifest;
      for (const { path } of ownFiles(manifest)) {
        const name = join(version, path);
        const stat = statSync(join(this.#folder, name), { throwIfNoEntry: false });
        if (stat === undefined) continue;
        // versions share files through hard links
        const identity = `${stat.dev} ${stat.ino}`;
        const { paths, rank } = files.get(identity) ?? { paths: [], rank: 0 };
        files.set(identity, {
          paths: [...paths, join(this.#folder, name)],
          sizeBytes: stat.size,
          usedAt: stat.mtimeMs,
          rank: rank === null || held.has(name) ? null : Math.max(rank, held.has(version) ? 1 : 0),
        });
      }
      await setImmediate();
    }
    return [...files.values()];
  }

  #once(path: string, action: () => Promise<void>): Promise<void> {
    const running = this.#fetching.get(path);
    if (running !== undefined) return running;
    const done = action().finally(() => this.#fetching.delete(path));
    this.#fetching.set(path, done);
    return done;
  }
}

/** Locked while the index is applied, and while a folder becomes a mirror. */
const LOCK = 'mirror.lock';
/** Files and folders that a mirror has in addition to those of a population folder. */
export const MIRROR_ONLY_FILES = [MIRROR_FILE, LOCK, ARRIVING_FOLDER, HOLDERS_FOLDER];
/** Maximum wait for another process that applies the index, which may have to fetch all tables. */
const LOCK_WAIT_MS = 10 * 60_000;

/** @throws AppError unavailable, storage_failed, and the errors of `action` */
export async function underLock<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  const path = join(folder, LOCK);
  const release = await awaitFileLock(path, LOCK_WAIT_MS);
  if (release === null) throw new AppError('unavailable', `another process has held ${path} for too long`);
  try {
    return await action();
  } finally {
    release();
  }
}

/** Refuses a folder in which imports run, because a mirror removes what is not published. */
export function requireNoOther(folder: string): void {
  if (isMirror(folder) || listVersions(folder).length === 0) return;
  throw new AppError('invalid_argument', `${folder} has versions of its own: give the mirror a folder of its own`);
}

export function markAsMirror(folder: string): void {
  if (!isMirror(folder)) writeApplied(folder, readApplied(folder));
}

/**
 * Identifies the applied index. The file is replaced at each change, so its stamp changes.
 * @throws AppError storage_failed
 */
export function stampOf(folder: string): string {
  const path = join(folder, MIRROR_FILE);
  const { ino, mtimeMs } = withStorage(`read ${path}`, () => statSync(path));
  return `${ino} ${mtimeMs}`;
}
