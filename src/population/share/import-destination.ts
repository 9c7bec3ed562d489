/**
 * The published population as the destination of imports and updates. The tables of a version grow in memory, and its
 * segments are stored as soon as they are complete, so this machine never has a whole version.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Erasures } from '../erase/erasures.ts';
import type { Destination, Destinations, VersionDraft } from '../versions/destination.ts';
import { asWriter } from '../versions/lock.ts';
import { INCOMING_FOLDER, type Manifest, readManifests } from '../versions/manifest.ts';
import { ImportedVersion, requireNewest } from './imported-version.ts';
import { fileName } from './index-schema.ts';
import { Mirror, type MirrorOptions } from './mirror.ts';
import { redactPublished } from './publish.ts';
import { announce, putVersion, retract, storedNames } from './put-version.ts';

/** How often a running import says that it is still running. A sweep regards it as killed much later. */
const ANNOUNCE_EVERY_MS = 10 * 60_000;
/** Number of bytes of the name under which an import stores segments before its version has a name. */
const NAME_BYTES = 6;

/** Number and size of the files that an import had to store, and number of its files that had been stored before. */
export interface StoredFiles {
  files: number;
  bytes: number;
  known: number;
}

interface Options extends MirrorOptions {
  readonly stored: StoredFiles;
}

/**
 * Versions are published for all hosts of a cluster. If an import is killed, nothing of its version is visible, and a
 * repeated import does not store again what was stored; otherwise a sweep removes it after a day. Errors of `open`:
 * those of `action`, and AppError `unavailable` (another import into the folder is running, or another host has
 * published a version since the import began), `invalid_population`, `storage_failed`.
 */
export class PublishedPopulation implements Destinations {
  readonly stored: StoredFiles = { files: 0, bytes: 0, known: 0 };
  readonly #options: MirrorOptions;

  /** The folder of the mirror gets tables, and the segments that an update reads. It may be removed afterwards. */
  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  async open<T>(_: unknown, action: (destination: Destination) => Promise<T>): Promise<T> {
    const mirror = await Mirror.open(this.#options);
    try {
      return await asWriter(mirror.folder, () => this.#open(mirror, action));
    } finally {
      mirror.close();
    }
  }

  async #open<T>(mirror: Mirror, action: (destination: Destination) => Promise<T>): Promise<T> {
    const { files, now } = this.#options;
    const incoming = join(mirror.folder, INCOMING_FOLDER);
    const name = randomBytes(NAME_BYTES).toString('hex');
    await redactPublished(mirror.folder, files, () => mirror.sync());
    rmSync(incoming, { recursive: true, force: true });
    const destination = new ImportDestination(mirror, name, { ...this.#options, stored: this.stored });
    try {
      await announce(files, name, [], now);
      await destination.begin();
      return await action(destination);
    } finally {
      destination.end();
      rmSync(incoming, { recursive: true, force: true });
      // if the storage cannot be reached, a sweep forgets the names after a day
      await retract(files, destination.announced).catch(() => {});
    }
  }
}

class ImportDestination implements Destination {
  readonly name = 'the published population';
  readonly folder: string;
  readonly scratch: string;
  readonly manifests: readonly Manifest[];
  readonly newest: string | null;
  readonly current = null;
  readonly erasures: Erasures;
  readonly #mirror: Mirror;
  /** Names in `incoming` that keep files of this import from being removed. */
  readonly announced: Set<string>;
  readonly #announced: string;
  readonly #options: Options;
  /** Number of erasures when the import began. */
  readonly #erasedBefore: number;
  #announcedAt: number;
  /** Names of stored files. */
  #known: Set<string> = new Set();
  #release: () => void = () => {};

  constructor(mirror: Mirror, name: string, options: Options) {
    const { index, folder } = mirror;
    const published = new Set(index.versions.map(({ version }) => version));
    this.folder = folder;
    this.scratch = join(folder, INCOMING_FOLDER, 'scratch');
    // another process may have applied a later index to the folder
    this.manifests = readManifests(folder).filter(({ version }) => published.has(version));
    this.newest = mirror.newest;
    this.erasures = new Erasures(folder);
    this.#erasedBefore = this.erasures.count;
    this.#mirror = mirror;
    this.announced = new Set([name]);
    this.#announced = name;
    this.#announcedAt = options.now();
    this.#options = options;
  }

  /** Reads which files are stored. The import must be announced, so that none of them is removed any more. */
  async begin(): Promise<void> {
    this.#known = await storedNames(this.#options.files);
  }

  end(): void {
    this.#release();
  }

  async take(version: string): Promise<void> {
    this.#release();
    this.#release = await this.#mirror.take(version);
  }

  async storeSegment(_path: string, bytes: Uint8Array, sha256: string): Promise<void> {
    await this.#announceAgain();
    await this.#store(fileName(sha256), bytes);
  }

  async publish(draft: VersionDraft): Promise<string> {
    const { files, now } = this.#options;
    const source = new ImportedVersion(this.#mirror, this, draft, {
      announced: this.#announced,
      storeRowOf: (name) => this.#store(name, draft.rowOf),
      onSealed: (version) => this.announced.add(version),
    });
    const { version, files: added } = await putVersion(source, files, { now });
    if (added === 0) this.#options.stored.known += 1;
    if (this.erasures.count > this.#erasedBefore) await redactPublished(this.folder, files, () => this.#mirror.sync());
    return version;
  }

  /** The nodes of a cluster decide which version they serve. */
  makeCurrent(): void {}

  async #store(name: string, bytes: Uint8Array): Promise<void> {
    const { files, stored } = this.#options;
    if (this.#known.has(name)) {
      stored.known += 1;
      return;
    }
    await files.putLarge(name, bytes);
    this.#known.add(name);
    stored.files += 1;
    stored.bytes += bytes.length;
  }

  /** Says from time to time that the import is running, and ends it early if it could not be published. */
  async #announceAgain(): Promise<void> {
    const { files, now } = this.#options;
    if (now() - this.#announcedAt < ANNOUNCE_EVERY_MS) return;
    this.#announcedAt = now();
    requireNewest((await announce(files, this.#announced, [], now)).index, [this.newest]);
  }
}
