/**
 * The published population as the destination of imports and updates. The tables of a version grow in memory, and each
 * segment is stored as soon as it is complete, so this host never holds a whole version.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { Erasures } from '../erase/erasures.ts';
import type { Destination, Destinations, VersionDraft } from '../versions/destination.ts';
import { asWriter } from '../versions/lock.ts';
import { INCOMING_FOLDER, type Manifest, readManifests } from '../versions/manifest.ts';
import { type TableSource, tablesInMemory } from './draft-tables.ts';
import { fileName, type PublishedIndex } from './index-schema.ts';
import { Mirror, type MirrorOptions } from './mirror.ts';
import { announce, putVersion, redactPublished, retract, storedNames, type UpToDateVersion } from './put-version.ts';

/** Number of bytes of the name under which an import stores segments before its version has a name. */
const NAME_BYTES = 6;
/** How often a running import announces itself again. A sweep waits much longer before it considers the import dead. */
const ANNOUNCE_EVERY_MS = 10 * 60_000;

/** Number and size of the files that an import stored, and number of its files that were already stored. */
export interface StoredFiles {
  files: number;
  bytes: number;
  known: number;
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

  /** The mirror's folder receives tables, and the segments that an update reads. It may be removed afterwards. */
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
    const { files } = this.#options;
    const incoming = join(mirror.folder, INCOMING_FOLDER);
    await redactPublished(mirror.folder, files, () => mirror.sync());
    rmSync(incoming, { recursive: true, force: true });
    const destination = new ImportDestination(mirror, this.stored, this.#options);
    try {
      await destination.begin();
      return await action(destination);
    } finally {
      rmSync(incoming, { recursive: true, force: true });
      await destination.end();
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
  readonly #options: MirrorOptions;
  readonly #stored: StoredFiles;
  /** The name in `incoming` that protects segments from removal while their version has no name. */
  readonly #name = randomBytes(NAME_BYTES).toString('hex');
  /** All names of this import in `incoming`. */
  readonly #announced = new Set([this.#name]);
  #announcedAt = 0;
  /** Names of stored files. */
  #known = new Set<string>();
  /** Number of erasures when the import began. */
  readonly #erasedBefore: number;
  #release: () => void = () => {};

  constructor(mirror: Mirror, stored: StoredFiles, options: MirrorOptions) {
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
    this.#stored = stored;
    this.#options = options;
  }

  /** @throws AppError unavailable, storage_failed */
  async begin(): Promise<void> {
    await this.#announce();
    // list stored files only after the announcement, so that no sweep removes them any more
    this.#known = await storedNames(this.#options.files);
  }

  async end(): Promise<void> {
    this.#release();
    // if the storage is unreachable, a sweep removes the names after a day
    await retract(this.#options.files, this.#announced).catch(() => {});
  }

  async take(version: string): Promise<void> {
    this.#release();
    this.#release = await this.#mirror.take(version);
  }

  storeSegment(_path: string, bytes: Uint8Array, sha256: string): Promise<void> {
    return this.#store(sha256, bytes);
  }

  async publish(draft: VersionDraft): Promise<string> {
    const { files, now } = this.#options;
    let own = new Map<string, Uint8Array>();
    const source = {
      announced: this.#announced,
      follow: async () => {
        const version = await this.#follow(draft);
        own = new Map(draft.identifiers.map(({ recorded, bytes }) => [recorded.sha256, bytes]));
        own.set(version.manifest.row_of.sha256, draft.rowOf);
        return version;
      },
      store: async ({ sha256 }: { readonly sha256: string }, name: string) => {
        const bytes = own.get(sha256);
        if (bytes !== undefined) return await this.#store(sha256, bytes);
        throw new AppError(
          'storage_failed',
          `${name}, a segment of the import, was removed while the import ran: import again`,
        );
      },
    };
    const { version } = await putVersion(source, files, { now });
    if (this.erasures.count > this.#erasedBefore) await redactPublished(this.folder, files, () => this.#mirror.sync());
    return version;
  }

  /** Does nothing: the nodes of a cluster decide which version they serve. */
  makeCurrent(): void {}

  /** Overwrites users in memory who were erased since the import began, so that their ids are not stored. */
  async #follow({ erased, directory, dictionaries, seal }: VersionDraft): Promise<UpToDateVersion> {
    const { index } = await this.#mirror.sync();
    erased.redactNewUsers();
    for (const user of this.erasures.numbers)
      if (user < directory.table.count && !directory.table.isRedacted(user)) directory.table.redact(user);
    const manifest = seal();
    this.#announced.add(manifest.version);
    requireNewest(index, [this.newest, manifest.version]);
    const tables: TableSource = tablesInMemory(this.folder, directory.table, [
      { recorded: manifest.directory, table: directory.table },
      ...manifest.dictionaries.map((recorded) => ({ recorded, table: dictionaries.get(recorded.feature)!.table })),
    ]);
    return { index, manifest, tables, erasures: erased.late };
  }

  /** Stores a file unless it is already stored. @throws AppError storage_failed, unavailable */
  async #store(sha256: string, bytes: Uint8Array): Promise<void> {
    const { now, files } = this.#options;
    if (now() - this.#announcedAt >= ANNOUNCE_EVERY_MS) await this.#announce();
    const name = fileName(sha256);
    if (this.#known.has(name)) {
      this.#stored.known += 1;
      return;
    }
    await files.putLarge(name, bytes);
    this.#known.add(name);
    this.#stored.files += 1;
    this.#stored.bytes += bytes.length;
  }

  /** Announces the import, and ends it early if another version has been published. */
  async #announce(): Promise<void> {
    const { now, files } = this.#options;
    const isFirst = this.#announcedAt === 0;
    this.#announcedAt = now();
    const { index } = await announce(files, this.#name, [], now);
    if (!isFirst) requireNewest(index, [this.newest]);
  }
}

/**
 * Requires that one of these versions is the newest, because the import has continued its user numbers.
 * @throws AppError unavailable
 */
function requireNewest({ versions }: PublishedIndex, allowed: readonly (string | null)[]): void {
  const newest = versions.at(-1)?.version ?? null;
  if (allowed.includes(newest)) return;
  throw new AppError(
    'unavailable',
    `another host has published version ${newest} since this import began, so nothing was published: run it again`,
  );
}
