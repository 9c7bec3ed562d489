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
import { FileKeeper, type StoredFiles } from './file-keeper.ts';
import { ImportedVersion, requireNewest } from './imported-version.ts';
import type { PublishedIndex } from './index-schema.ts';
import { Mirror, type MirrorOptions } from './mirror.ts';
import { redactPublished } from './publish.ts';
import { putVersion, retract } from './put-version.ts';

/** Number of bytes of the name under which an import stores segments before its version has a name. */
const NAME_BYTES = 6;

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
    const announced = new Set([name]);
    const newest = mirror.newest;
    let destination: ImportDestination | null = null;
    try {
      const onIndex = (index: PublishedIndex) => requireNewest(index, [newest]);
      const keeper = await FileKeeper.open(files, name, { now, stored: this.stored, onIndex });
      destination = new ImportDestination(mirror, keeper, announced, this.#options);
      return await action(destination);
    } finally {
      destination?.end();
      rmSync(incoming, { recursive: true, force: true });
      // if the storage cannot be reached, a sweep forgets the names after a day
      await retract(files, announced).catch(() => {});
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
  readonly #keeper: FileKeeper;
  /** Names in `incoming` that keep files of this import from being removed. */
  readonly #announced: Set<string>;
  readonly #options: MirrorOptions;
  /** Number of erasures when the import began. */
  readonly #erasedBefore: number;
  #release: () => void = () => {};

  constructor(mirror: Mirror, keeper: FileKeeper, announced: Set<string>, options: MirrorOptions) {
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
    this.#keeper = keeper;
    this.#announced = announced;
    this.#options = options;
  }

  end(): void {
    this.#release();
  }

  async take(version: string): Promise<void> {
    this.#release();
    this.#release = await this.#mirror.take(version);
  }

  storeSegment(_path: string, bytes: Uint8Array, sha256: string): Promise<void> {
    return this.#keeper.store(sha256, bytes);
  }

  async publish(draft: VersionDraft): Promise<string> {
    const { files, now } = this.#options;
    const source = new ImportedVersion(this.#mirror, this, draft, {
      announced: this.#announced,
      storeRowOf: (sha256) => this.#keeper.store(sha256, draft.rowOf),
    });
    const { version } = await putVersion(source, files, { now });
    if (this.erasures.count > this.#erasedBefore) await redactPublished(this.folder, files, () => this.#mirror.sync());
    return version;
  }

  /** The nodes of a cluster decide which version they serve. */
  makeCurrent(): void {}
}
