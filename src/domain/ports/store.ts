/** The whole store: all ports of one data folder or database. Code should take the narrowest port that suffices. */
import type { Clock } from '../../lib/clock.ts';
import type { Retention } from '../types.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Audiences } from './audiences.ts';
import type { AuditLog } from './audit.ts';
import type { BlobReader, Blobs } from './blobs.ts';
import type { Campaigns } from './campaigns.ts';
import type { ClockMemory } from './clock.ts';
import type { Expansions, SetReader } from './expansions.ts';
import type { Feedback } from './feedback.ts';
import type { StoreHealth } from './health.ts';
import type { Jobs } from './jobs.ts';
import type { Outbox } from './outbox.ts';
import type { CampaignRecords } from './records.ts';
import type { StoreReserve } from './reserve.ts';
import type { BackupOptions, BackupReport, DamagedRow, RestoreOptions, RestoreReport, StoreUpkeep } from './upkeep.ts';
import type { UserErasure } from './user-erasure.ts';
import type { UserSets } from './user-sets.ts';
import type { Webhooks } from './webhooks.ts';

/** The settings of a store's rules. */
export interface StoreOptions {
  readonly clock: Clock;
  /** With fewer known seeds, an expansion is too_small. */
  readonly minimumSeeds: number;
  /** How long a claim or a renewal lasts. */
  readonly leaseMs: number;
  /** Maximum number of claims of a job. */
  readonly maximumAttempts: number;
  /** Whether this instance, of all that have the store open, saves a copy if the store's files are lost. */
  readonly saves?: boolean;
  /** Called each time a read finds a damaged row. */
  readonly onDamagedRow?: (row: DamagedRow) => void;
  /** The W3C traceparent of the current operation, which jobs and events store. By default none is stored. */
  readonly traceparent?: () => string | null;
}

/** The removal of old data. */
export interface Cleanup {
  /**
   * Removes audience versions beyond the retention, expansions without a version along with their sets, and expired
   * responses to idempotent requests. Versions made before `before` are too old; its default comes from the retention
   * and the store's clock.
   */
  prune(retention: Retention, before?: number): void;

  /**
   * Removes rankings that belong to no audience version and no running expansion, or sets them aside if they are not
   * known to be this store's own.
   * @throws AppError storage_failed
   */
  removeUnusedFiles(): void;

  /**
   * Takes ownership of the files beside the store, before any of them are removed: files that the store neither refers
   * to nor made are set aside. Call it only while nobody writes, at the start of a service. Returns where the files are
   * now; null if there were none.
   */
  takeFolder(): string | null;

  /**
   * Begins a new generation, so that an earlier copy of this store is recognised as another store if somebody puts it
   * in this one's place. Called when a service ends; `prune` and `takeFolder` do it too.
   */
  renewGeneration(): void;
}

/**
 * When a method returns, its effect is on disk; if it throws, it had no effect: AppError storage_failed (disk full,
 * read-only, I/O error), unavailable (another process writes for too long) or database_lost (its files were removed or
 * replaced). No transaction spans two calls.
 */
export interface CampaignStore
  extends Campaigns,
    Expansions,
    SetReader,
    Audiences,
    Jobs,
    Feedback,
    UserErasure,
    Cleanup {
  /** Rankings, and the changes of customised models. */
  readonly blobs: Blobs;
  /** Seeds and suppression lists of any size. */
  readonly userSets: UserSets;
  /** Webhooks and their secrets. */
  readonly webhooks: Webhooks;
  /** Events for webhooks and their deliveries. */
  readonly outbox: Outbox;
  /** The API keys of callers. */
  readonly apiKeys: ApiKeys;
  /** The audit log. */
  readonly audit: AuditLog;
  /** The times that the service's clock stores across restarts. */
  readonly clock: ClockMemory;
  /** Whether the store can be written to, what is queued, and what failed. */
  readonly health: StoreHealth;
  /** Disk space that is released for deletions on a full disk. */
  readonly reserve: StoreReserve;
  /** After this, no method may be called. */
  close(): void;
}

/** The part of a store that a thread can read without opening the database. */
export interface StoreFiles extends SetReader {
  readonly blobs: BlobReader;
}

/** A kind of store. `location` says where a store is, in the adapter's own terms: a folder, an address. */
export interface StoreAdapter {
  /**
   * Locks a store for one service before it is opened, because two services would release each other's jobs. Returns
   * the function that unlocks it; the end of the process, for any reason, unlocks it too.
   * @throws AppError unavailable if another service has the lock; storage_failed
   */
  lock(location: string): () => void;

  /**
   * Opens a store, creates it if there is none, and migrates it to this version; any number of processes may do so at
   * once.
   * @throws AppError storage_failed; invalid_argument if there is something that is not a store, a store of a newer
   * version, or a store's files without the store
   */
  open(location: string, options: StoreOptions): CampaignStore;

  /**
   * Restores a store that was saved when its files were lost, before `open`; the caller has the lock. Returns which
   * store was restored, and where the replaced files are now; null if none was saved.
   * @throws AppError invalid_argument, with advice, if it is not certain that the saved store is newer; storage_failed
   */
  takeSaved(location: string, now: number): { readonly taken: string; readonly aside: string | null } | null;

  /**
   * Sets aside the files of a store that is gone, so that `open` creates an empty one; does nothing if there is a
   * store. The caller has the lock. Returns where the files are now; null if there were none.
   * @throws AppError storage_failed
   */
  adopt(location: string, now: number): string | null;

  /** Opens only the part that a thread can read, which need not be closed. */
  openFiles(location: string): StoreFiles;

  /**
   * Opens the campaigns and their results for reading, while a service may be writing them. The caller closes it.
   * @throws AppError invalid_argument if there is no store of this version; storage_failed
   */
  openRecords(location: string): CampaignRecords;

  /**
   * Opens the upkeep of a store, which lists what the store should have and what it has, while a service may be using
   * it; only `remove` writes. The caller closes it.
   * @throws AppError invalid_argument if there is no store of this version; storage_failed
   */
  openUpkeep(location: string): StoreUpkeep;

  /**
   * The free space for a store, in bytes.
   * @throws AppError storage_failed
   */
  freeBytes(location: string): number;

  /**
   * Copies a store, as of one moment, into a new folder, while a service may be using it.
   * @throws AppError invalid_argument if there is no store of this version, or the folder is not empty; storage_failed;
   * unavailable if files were removed during each attempt to copy them
   */
  backup(location: string, to: string, options: BackupOptions): Promise<BackupReport>;

  /**
   * Creates a store from a backup. Every file is verified; if one is damaged, nothing is created.
   * @throws AppError invalid_argument if it is not a backup, is damaged or lacks the separate folder, or if a target is
   * not empty; storage_failed
   */
  restore(from: string, to: string, options?: RestoreOptions): Promise<RestoreReport>;

  /**
   * Inspects what is there now (`now` in milliseconds since 1970), and changes nothing.
   * @throws AppError storage_failed if it cannot be read
   */
  inspect(location: string, now: number): StoreInspection;
  /**
   * Checks the lock without taking it.
   * @throws AppError unavailable if `lock` would throw it
   */
  requireFree(location: string): void;
  /**
   * Checks the saved store without restoring it.
   * @throws AppError invalid_argument if `takeSaved` would throw it
   */
  requireTakeable(location: string): void;
  /**
   * Checks the store without changing it.
   * @throws AppError as `open`, as far as can be determined that way
   */
  requireUsable(location: string): void;
}

/** The result of inspecting a store. */
export interface StoreInspection {
  /** Whether a service has locked it. */
  readonly isTaken: boolean;
  /** null if there is no store yet. */
  readonly contents: StoreContents | null;
  /** The files of a store that is gone, in words; null if there is a store, or nothing. */
  readonly stranded: string | null;
  /** Stores that were saved when their files were lost, and that `takeSaved` has not restored yet. */
  readonly saved: readonly string[];
  /** Folders of unknown files that were set aside. */
  readonly setAside: readonly string[];
}

export interface StoreContents {
  /** Its schema version, and the one that this program migrates it to. */
  readonly version: number;
  readonly newestVersion: number;
  readonly sizeBytes: number;
  /** What is wrong with it; null if it is intact or was not checked. */
  readonly damage: string | null;
  /** What `verify` finds in a readable store, such as damaged rows. */
  readonly faults: readonly string[];
  /** False for a large store whose check would need a copy in memory. */
  readonly isChecked: boolean;
  readonly campaigns: number;
  /** API keys; null if they were not read. */
  readonly keys: KeyCounts | null;
}

export interface KeyCounts {
  /** All keys that were ever created: from the first one on, every request needs one. */
  readonly made: number;
  /** Keys that are neither revoked nor expired. */
  readonly valid: number;
  /** The valid keys that may manage keys. */
  readonly admin: number;
}

/** Where a store is, as plain data that is passed to a process or thread so that it opens the same store. */
export interface StoreLocator {
  /** The adapter's name. */
  readonly adapter: string;
  readonly location: string;
}
