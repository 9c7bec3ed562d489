/**
 * A mirror of the published population on one machine: a population folder whose tables and manifests follow the
 * index, and whose segments are fetched when they are read. Several processes of the machine may share a mirror; each
 * opens it in one of its threads.
 */
import { join, resolve } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { createClosedFolder, withStorage } from '../../lib/files/durable-files.ts';
import { type ErasedCounts, type KnownUsers, newestNumbers } from '../erase/erase-users.ts';
import { SegmentLayout } from '../read/segment-layout.ts';
import { asWriter } from '../versions/lock.ts';
import { listVersions, lookUpFiles, type ManifestFile } from '../versions/manifest.ts';
import { applyIndex, applyTable, readApplied } from './apply-index.ts';
import { eraseInLog } from './erasure-log.ts';
import type { PublishedIndex } from './index-schema.ts';
import { type MirrorCounts, MirrorFiles, markAsMirror, requireNoOther, stampOf, underLock } from './mirror-files.ts';
import { MirrorHolders } from './mirror-holders.ts';
import { isMirror } from './missing-file.ts';
import { type IndexAt, readIndex } from './published-index.ts';
import { redactPublished } from './put-version.ts';
import { eachOf } from './transfers.ts';

/** Attempts to apply the index while it changes. */
const ATTEMPTS = 5;
/** How often `follow` reads the index. */
const FOLLOW_EVERY_MS = 1_000;
/** Minimum number of segments that must fit into a mirror, because several threads read at the same time. */
const SMALLEST_SEGMENTS = 4;
/** Share of the limit that `prefetch` may hold; the rest is for segments that are fetched when they are read. */
const PREFETCHED_SHARE = 1 / 2;

export interface MirrorOptions {
  readonly files: BlobFiles;
  /** The folder of the mirror, which is created if it does not exist. */
  readonly folder: string;
  /** Maximum size of segments and rows of users on this machine; tables are always kept. */
  readonly limitBytes: number;
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  /** Called with errors of background work. */
  readonly onError?: (error: unknown) => void;
}

export class Mirror {
  readonly #options: MirrorOptions;
  readonly #folder: string;
  readonly #holders: MirrorHolders;
  readonly #files: MirrorFiles;
  readonly #listeners: ((index: PublishedIndex) => void)[] = [];
  #applied: IndexAt;
  #syncing: Promise<IndexAt> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Identifies the applied index that was read last. */
  #stamp = '';

  /**
   * Opens a mirror, and brings it up to date. @throws AppError invalid_argument (the folder has other files),
   * invalid_population, unavailable, storage_failed
   */
  static async open(options: MirrorOptions): Promise<Mirror> {
    const folder = resolve(options.folder);
    withStorage(`create the folder ${folder}`, () => createClosedFolder(folder));
    requireNoOther(folder);
    // another process may open the same new folder
    await underLock(folder, () => markAsMirror(folder));
    const mirror = new Mirror(options, folder);
    try {
      await mirror.sync();
      return mirror;
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  private constructor(options: MirrorOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#holders = new MirrorHolders(folder);
    this.#applied = readApplied(folder);
    const { files, limitBytes, now } = options;
    const rebuildTable = (path: string) => this.#rebuildTable(path);
    this.#files = new MirrorFiles({ folder, files, holders: this.#holders, limitBytes, now, rebuildTable });
  }

  /** The population folder, for `openPopulation`. */
  get folder(): string {
    return this.#folder;
  }

  /** The index that was applied last. */
  get index(): PublishedIndex {
    return this.#applied.index;
  }

  get counts(): MirrorCounts {
    return this.#files.counts;
  }

  /** The newest published version; null if there is none. */
  get newest(): string | null {
    return this.index.versions.at(-1)?.version ?? null;
  }

  /**
   * Applies the current index: erasures, tables, and manifests of new versions. @throws AppError invalid_population,
   * unavailable, storage_failed
   */
  async sync(): Promise<IndexAt> {
    // a call that is already running may have read an older index
    for (let running = this.#syncing; running !== null; running = this.#syncing) await running.catch(() => {});
    this.#syncing = this.#sync().finally(() => {
      this.#syncing = null;
    });
    return await this.#syncing;
  }

  /** Calls `listener` after each change of the index that this process has applied. */
  onChanged(listener: (index: PublishedIndex) => void): void {
    this.#listeners.push(listener);
  }

  /** Applies changes of the index at this interval until `close`. Calling `sync` at each announcement is faster. */
  follow(everyMs = FOLLOW_EVERY_MS): void {
    this.#timer ??= setInterval(() => {
      if (this.#syncing === null) this.sync().catch((error: unknown) => this.#options.onError?.(error));
    }, everyMs).unref();
  }

  /** Until `close`, follows another process of this host that follows the index, with a delay of up to a second. */
  followFolder(): void {
    this.#timer ??= setInterval(() => {
      try {
        this.#noteApplied();
      } catch (error) {
        this.#options.onError?.(error);
      }
    }, FOLLOW_EVERY_MS).unref();
  }

  /**
   * Fetches what is necessary to open a version: all but its segments. Until the returned function is called, files of
   * other versions are removed first. @throws AppError population_unavailable (the version is not published),
   * invalid_argument (the limit is too small for the version), and the errors of `sync`
   */
  async take(version: string): Promise<() => void> {
    if (!listVersions(this.#folder).includes(version)) await this.sync();
    if (!listVersions(this.#folder).includes(version))
      throw new AppError('population_unavailable', `version ${version} of the population is not published`);
    const manifest = this.#files.manifestOf(version);
    const needed = lookUpFiles(manifest);
    const least =
      SMALLEST_SEGMENTS * Math.max(...manifest.segments.map(({ size }) => size)) +
      needed.reduce((sum, { size }) => sum + size, 0);
    const { limitBytes } = this.#options;
    if (least > limitBytes)
      throw new AppError(
        'invalid_argument',
        `the mirror ${this.#folder} is limited to ${limitBytes} bytes, but version ${version} needs ${least}`,
      );
    const release = this.#holders.hold([version, ...needed.map(({ path }) => join(version, path))]);
    try {
      for (const file of needed) await this.#files.fetch(version, file);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Fetches the segments `from` to `to` - 1 of a version, as a `Population` numbers them, as far as the limit allows;
   * the others are fetched when they are read. They stay on this machine until the returned function is called.
   * @throws AppError storage_failed, invalid_population
   */
  async prefetch(version: string, from: number, to: number): Promise<() => void> {
    const { segments } = this.#files.manifestOf(version);
    const layout = new SegmentLayout(segments);
    const wanted: ManifestFile[] = [];
    let bytes = 0;
    for (let index = from; index < Math.min(to, layout.segmentCount); index++) {
      const segment = segments[layout.onDisk(index)]!;
      bytes += segment.size;
      if (bytes > this.#options.limitBytes * PREFETCHED_SHARE) break;
      wanted.push(segment);
    }
    const release = this.#holders.hold(wanted.map(({ path }) => join(version, path)));
    try {
      await eachOf(wanted, (file) => this.#files.fetch(version, file));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Erases users from the published population. The erasure is durable when the promise resolves, and this machine has
   * applied it; other machines apply it when they read the index. @throws AppError unavailable, invalid_population,
   * storage_failed
   */
  async erase(userIds: readonly string[], known: KnownUsers): Promise<ErasedCounts> {
    const { files } = this.#options;
    const counts = await eraseInLog(files, this.#folder, userIds, async () => {
      const at = await this.sync();
      known.erasures.refresh();
      return { at, erasures: known.erasures, numberOf: newestNumbers(this.#folder, known.directory) };
    });
    await this.sync();
    known.erasures.refresh();
    return counts;
  }

  /**
   * Overwrites the ids of erased users in the published tables, and deletes the parts that had them. Only one process
   * of a cluster should do so at a time. Returns the number of parts that were replaced. @throws AppError unavailable,
   * invalid_population, storage_failed
   */
  async redact(): Promise<number> {
    const replaced = await asWriter(this.#folder, () =>
      redactPublished(this.#folder, this.#options.files, () => this.sync()),
    );
    await this.sync();
    return replaced;
  }

  /** Stops following the index and answering other threads. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#files.close();
    this.#holders.close();
  }

  async #sync(): Promise<IndexAt> {
    const { files } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const found = await readIndex(files);
      if (found.tag === this.#applied.tag && isMirror(this.#folder)) return this.#applied;
      try {
        // the folder may have been removed
        withStorage(`create the folder ${this.#folder}`, () => createClosedFolder(this.#folder));
        await underLock(this.#folder, () => this.#apply());
        return this.#applied;
      } catch (error) {
        // parts in that index may be gone because ids in them were overwritten
        if (attempt === ATTEMPTS || (await readIndex(files)).tag === found.tag) throw error;
      }
    }
  }

  async #apply(): Promise<void> {
    // read again under the lock, so that two processes never apply an older index after a newer index
    const at = await readIndex(this.#options.files);
    if (readApplied(this.#folder).tag !== at.tag) await applyIndex(this.#folder, this.#options.files, at);
    this.#note(at);
  }

  /** Reads the index again if another process has applied a newer one to the folder. */
  #noteApplied(): void {
    const stamp = stampOf(this.#folder);
    if (stamp === this.#stamp) return;
    const at = readApplied(this.#folder);
    this.#stamp = stamp;
    if (at.tag !== this.#applied.tag) this.#note(at);
  }

  #note(at: IndexAt): void {
    this.#applied = at;
    this.#files.forgetManifests();
    for (const listener of this.#listeners) listener(at.index);
  }

  /** Assembles a damaged table anew; null if there is no table with this path. */
  #rebuildTable(path: string): Promise<void> | null {
    const parts = this.index.tables[path];
    if (parts === undefined) return null;
    return underLock(this.#folder, () => applyTable(this.#options.files, join(this.#folder, path), [], parts));
  }
}
