/** A version that an import has built, with its tables in memory, as a version that can be published. */
import { AppError, assert } from '../../lib/errors.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import type { Destination, VersionDraft } from '../versions/destination.ts';
import type { Manifest, ManifestFile } from '../versions/manifest.ts';
import type { PublishedIndex } from './index-schema.ts';
import type { Mirror } from './mirror.ts';
import type { IndexAt } from './published-index.ts';
import type { Publishable } from './put-version.ts';
import { type TableSource, tablesInMemory } from './table-source.ts';

export interface ImportedOptions {
  /** Names in `incoming` of this import, to which the names of the version are added. */
  readonly announced: Set<string>;
  readonly storeRowOf: (sha256: string) => Promise<void>;
}

export class ImportedVersion implements Publishable {
  readonly announced: Set<string>;
  readonly #mirror: Mirror;
  readonly #destination: Destination;
  readonly #draft: VersionDraft;
  readonly #options: ImportedOptions;
  #manifest: Manifest | null = null;

  constructor(mirror: Mirror, destination: Destination, draft: VersionDraft, options: ImportedOptions) {
    this.announced = options.announced;
    this.#mirror = mirror;
    this.#destination = destination;
    this.#draft = draft;
    this.#options = options;
  }

  get manifest(): Manifest {
    assert(this.#manifest !== null, 'the version follows the index before it is published');
    return this.#manifest;
  }

  get erasures(): readonly ErasedRecord[] {
    return this.#draft.erased.late;
  }

  get tables(): TableSource {
    const { directory, dictionaries } = this.#draft;
    return tablesInMemory(this.#destination.folder, directory.table, [
      { recorded: this.manifest.directory, table: directory.table },
      ...this.manifest.dictionaries.map((recorded) => ({ recorded, table: dictionaries.get(recorded.feature)!.table })),
    ]);
  }

  /** Users who were erased since the import began are overwritten in memory, so that their ids are not stored. */
  async follow(): Promise<IndexAt> {
    const { erased, directory, seal } = this.#draft;
    const at = await this.#mirror.sync();
    erased.redactNewUsers();
    for (const user of this.#destination.erasures.numbers)
      if (user < directory.table.count && !directory.table.isRedacted(user)) directory.table.redact(user);
    this.#manifest = seal();
    this.announced.add(this.#manifest.version);
    requireNewest(at.index, [this.#destination.newest, this.#manifest.version]);
    return at;
  }

  async store(file: ManifestFile, name: string): Promise<void> {
    if (file.sha256 === this.manifest.row_of.sha256) return await this.#options.storeRowOf(file.sha256);
    throw new AppError('storage_failed', `${name}, a segment of the import, was removed meanwhile: import again`);
  }
}

/**
 * Requires that one of these versions is the newest, because the import has continued its user numbers.
 * @throws AppError unavailable
 */
export function requireNewest({ versions }: PublishedIndex, allowed: readonly (string | null)[]): void {
  const newest = versions.at(-1)?.version ?? null;
  if (allowed.includes(newest)) return;
  throw new AppError(
    'unavailable',
    `another host has published version ${newest} since this import began, so nothing was published: run it again`,
  );
}
