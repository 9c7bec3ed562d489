/** Where an import builds and publishes a version: a population folder, or the storage that several hosts share. */
import type { Erasures } from '../erase/erasures.ts';
import type { ImportErasures } from '../import/import-erasures.ts';
import type { IdentifierFile } from '../import/imported-identifiers.ts';
import type { Manifest } from './manifest.ts';
import type { GrowingTable, SharedSegment } from './publication.ts';

/** A version whose rows are complete. Its tables may still change, because ids of erased users are overwritten. */
export interface VersionDraft {
  readonly rowOf: Uint8Array;
  /** The files of identifiers, as recorded by the last call of `seal`. */
  readonly identifiers: readonly IdentifierFile[];
  /** The first segments. The other segments were given to `storeSegment`, numbered from 0. */
  readonly shared: readonly SharedSegment[];
  readonly directory: GrowingTable;
  /** By feature. */
  readonly dictionaries: ReadonlyMap<string, GrowingTable>;
  readonly erased: ImportErasures;
  /** The manifest with the tables as they are now. */
  seal(): Manifest;
}

export interface Destination {
  /** Names the destination in errors. */
  readonly name: string;
  /** A population folder with the tables, erasures and manifests that the version continues. */
  readonly folder: string;
  /** Folder for temporary files. */
  readonly scratch: string;
  /** The published versions. */
  readonly manifests: readonly Manifest[];
  /** The version published last; null if there is none. */
  readonly newest: string | null;
  /** The version that `current` names in a folder; null if there is none, or if every host has its own. */
  readonly current: string | null;
  readonly erasures: Erasures;
  /** Makes a version readable in `folder`, until the import ends. */
  take(version: string): Promise<void>;
  /** Keeps the bytes of a new segment. @throws AppError storage_failed */
  storeSegment(path: string, bytes: Uint8Array, sha256: string): Promise<void>;
  /** Publishes the draft, makes it the newest version, and returns its name. */
  publish(draft: VersionDraft): Promise<string>;
  /** Makes a published version current, if there is a current version. */
  makeCurrent(version: string): void;
}

export interface OpenOptions {
  /** Whether erased users who appear again are readmitted as new users. */
  readonly readmitErased: boolean;
}

export interface Destinations {
  /**
   * Calls `action` as the only writer here, after overwriting the ids of erased users. Temporary files are removed
   * afterwards.
   */
  open<T>(options: OpenOptions, action: (destination: Destination) => Promise<T>): Promise<T>;
}
