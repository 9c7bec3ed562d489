/** The port of upkeep: checks of a store's files while a service may be running, and backups. */
import type { Blobs } from './blobs.ts';

/** The files and folders that a store's rows refer to. */
export interface StoreContents {
  /** The names of user sets. */
  readonly sets: ReadonlySet<string>;
  /** The folders of rankings. */
  readonly rankings: ReadonlySet<string>;
  /** Ids of expansions that have not ended and may be writing a ranking. */
  readonly running: ReadonlySet<string>;
}

/** A row whose checksum shows that it was altered after it was written. */
export interface DamagedRow {
  readonly table: string;
  /** The row's `id` if it has one, else its key without user ids and secrets. */
  readonly id: string;
}

/** The result of comparing a stored file with its checksum. */
export interface Verdict {
  /** What is wrong with the file; null if the file is intact. */
  readonly fault: string | null;
}

/** All methods reject with AppError storage_failed if the store cannot be read. */
export interface StoreUpkeep {
  readonly blobs: Blobs;
  /** Descriptions of what is wrong with the database file itself. */
  faults(): Promise<string[]>;
  /**
   * Compares all rows with their checksums, in slices. Yields the number of rows in each slice, and returns the damaged
   * rows.
   */
  damagedRows(): AsyncGenerator<number, readonly DamagedRow[], void>;
  /** Whether a damaged row still exists and is still damaged. */
  isDamaged(row: DamagedRow): Promise<boolean>;
  contents(): Promise<StoreContents>;
  /**
   * Files that no row refers to and that no running expansion can be writing, relative to the store. Unfinished files
   * are listed only with `isAlone`, because otherwise a service may be writing them.
   */
  orphans(isAlone: boolean): Promise<string[]>;
  /**
   * Removes orphans. Files that another store may have made are moved aside instead. Must be called with the store's
   * lock. Returns the new location of files that were moved; null if all were removed.
   */
  remove(paths: readonly string[], now: number): Promise<string | null>;
  /** Folders of files that were moved aside, relative to the store. */
  setAside(): Promise<string[]>;
  close(): Promise<void>;
}

/** The result of a backup. */
export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
  /**
   * How many times the database was copied. The database is copied again if a file that it refers to was removed in the
   * meantime.
   */
  readonly attempts: number;
  /** Files that rows refer to but that the store did not have. */
  readonly lost: readonly string[];
}

/** A file that belongs to a backup but not to the store. */
export interface FileBeside {
  readonly from: string;
  /** The path of the copy, relative to the backup. */
  readonly path: string;
  /** Whether the file is never written again. Only such a file may be hard-linked. */
  readonly isFinal: boolean;
}

export interface BackupOptions {
  /** The time of the backup for the manifest, in milliseconds since 1970. */
  readonly now: number;
  /** Whether files are always copied. If false, files are hard-linked whenever the file system allows it. */
  readonly copy: boolean;
  /** Other files to copy after the store. Each file is copied before the next is requested. */
  readonly beside?: () => Iterable<FileBeside>;
}

export interface RestoreOptions {
  /**
   * A folder of the backup that is not part of the store, and the folder to which its files are restored. If `to` is
   * null, these files are left out.
   */
  readonly apart?: { readonly folder: string; readonly to: string | null };
}

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  /** Number of files that were restored to the separate folder. */
  readonly apart: number;
  /** Number of files that were left out. */
  readonly leftOut: number;
}
