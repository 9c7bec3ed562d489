/** The port of upkeep: what a store should have and has, read beside a running service, and copies of all of it. */
import type { Blobs } from './blobs.ts';

/** What a store's rows name. */
export interface StoreContents {
  /** The sha256 of user sets. */
  readonly sets: ReadonlySet<string>;
  /** Folders of rankings. */
  readonly rankings: ReadonlySet<string>;
  /** Ids of expansions that have not ended, and may be writing a ranking. */
  readonly running: ReadonlySet<string>;
}

/** A file of the folder of sets, or a folder of rankings. */
export interface StoredName {
  /** Relative to the store. */
  readonly path: string;
  /** Of what it holds: the sha256 of a set, the folder of a ranking; null for one that was never finished. */
  readonly set?: string | null;
  readonly ranking?: string | null;
  /** Of a ranking. */
  readonly expansionId?: string;
}

/** A row that is not as it was written: its checksum differs. */
export interface DamagedRow {
  readonly table: string;
  /** Its `id` where it has one, else its key without ids of users and secrets. */
  readonly id: string;
}

export interface StoreUpkeep {
  readonly blobs: Blobs;
  /** What is wrong with the database itself, in sentences. */
  faults(): string[];
  /** All rows compared with their checksums, in slices of which each yields its number of rows. */
  damagedRows(): Generator<number, readonly DamagedRow[], void>;
  /** Whether a row that was damaged is there, and still is. */
  isDamaged(row: DamagedRow): boolean;
  contents(): StoreContents;
  /** What lies in the store's folders, named by a row or not. */
  files(): StoredName[];
  /**
   * Removes files that nobody names, or sets them aside where this store is not known to have made them; the caller
   * has the store's lock. Returns where they are now, null where they are gone. @throws AppError storage_failed
   */
  remove(files: readonly StoredName[], now: number): string | null;
  /** Folders of files that were set aside, relative to the store. */
  setAside(): string[];
  close(): void;
}

/** A copy of a store. */
export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
  /** How often the database was copied: again where a file that it names was removed meanwhile. */
  readonly attempts: number;
  /** What rows name and the store did not have. */
  readonly lost: readonly string[];
}

/** A file that is not the store's own, and belongs to a copy of it. */
export interface FileBeside {
  readonly from: string;
  /** Relative to the copy. */
  readonly path: string;
  /** Whether it is never written again; only then may it get a second name. */
  readonly isFinal: boolean;
}

export interface BackupOptions {
  /** Milliseconds since 1970, for the manifest. */
  readonly now: number;
  /** Whether files are copied, rather than given a second name where the file system allows that. */
  readonly copy: boolean;
  /** What else is copied, after the store: each before the next is asked for. */
  readonly beside?: () => Iterable<FileBeside>;
}

export interface RestoreOptions {
  /** A folder of the copy that is no part of the store, and where its files go; null: nowhere. */
  readonly apart?: { readonly folder: string; readonly to: string | null };
}

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  /** Files that went to the place apart. */
  readonly apart: number;
  /** Files that went nowhere. */
  readonly leftOut: number;
}
