/** The port of upkeep: what a store should have and what it has, read while a service may be running, and backups. */
import type { Blobs } from './blobs.ts';

/** What a store's rows refer to. */
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
  /** The sha256 of a set or the folder of a ranking, by its contents; null for one that was never finished. */
  readonly set?: string | null;
  readonly ranking?: string | null;
  /** The expansion of a ranking. */
  readonly expansionId?: string;
}

/** A row that was altered since it was written: its checksum differs. */
export interface DamagedRow {
  readonly table: string;
  /** Its `id` if it has one, else its key without user ids and secrets. */
  readonly id: string;
}

/** The result of comparing something stored with its checksum. */
export interface Verdict {
  /** What is wrong; null if it is intact. */
  readonly fault: string | null;
  /** Only for a ranking written before there were checksums: adds those of its current bytes. */
  readonly seal?: () => void;
}

export interface StoreUpkeep {
  readonly blobs: Blobs;
  /** What is wrong with the database itself, in sentences. */
  faults(): string[];
  /** Compares all rows with their checksums in slices; yields the number of rows of each slice. */
  damagedRows(): Generator<number, readonly DamagedRow[], void>;
  /** Whether a row that was damaged still exists and is still damaged. */
  isDamaged(row: DamagedRow): boolean;
  contents(): StoreContents;
  /** What is in the store's folders, whether a row refers to it or not. */
  files(): StoredName[];
  /**
   * Removes files that no row refers to, or sets them aside if they are not known to be this store's own. The caller
   * has the store's lock. Returns where they are now; null if they were removed.
   * @throws AppError storage_failed
   */
  remove(files: readonly StoredName[], now: number): string | null;
  /** Folders of files that were set aside, relative to the store. */
  setAside(): string[];
  close(): void;
}

/** The result of a backup. */
export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
  /** How many times the database was copied: it is copied again if a file that it refers to was removed meanwhile. */
  readonly attempts: number;
  /** Files that rows refer to and that the store did not have. */
  readonly lost: readonly string[];
}

/** A file that belongs to a backup but not to the store. */
export interface FileBeside {
  readonly from: string;
  /** Relative to the backup. */
  readonly path: string;
  /** Whether the file is never written again: only then may it be hard-linked. */
  readonly isFinal: boolean;
}

export interface BackupOptions {
  /** Milliseconds since 1970, for the manifest. */
  readonly now: number;
  /** Whether files are always copied, rather than hard-linked if the file system allows it. */
  readonly copy: boolean;
  /** Other files to copy after the store; each is copied before the next is requested. */
  readonly beside?: () => Iterable<FileBeside>;
}

export interface RestoreOptions {
  /** A folder of the backup that is not part of the store, and where its files go; null if they are left out. */
  readonly apart?: { readonly folder: string; readonly to: string | null };
}

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  /** Files that went to the separate folder. */
  readonly apart: number;
  /** Files that were left out. */
  readonly leftOut: number;
}
