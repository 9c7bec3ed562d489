/** The whole store: all ports of one data folder or database. Code should take the narrowest port that suffices. */
import type { Clock } from '../../lib/clock.ts';
import type { ClockMemory } from '../../lib/clock-memory.ts';
import type { Retention } from '../audiences.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Audiences } from './audiences.ts';
import type { AuditLog } from './audit.ts';
import type { BlobReader, Blobs } from './blobs.ts';
import type { Campaigns } from './campaigns.ts';
import type { Cluster } from './cluster.ts';
import type { Conversions } from './conversions.ts';
import type { Destinations } from './destinations.ts';
import type { Expansions, SetReader } from './expansions.ts';
import type { Feedback } from './feedback.ts';
import type { StoreHealth } from './health.ts';
import type { Jobs } from './jobs.ts';
import type { Outbox } from './outbox.ts';
import type { RangeWork } from './ranges.ts';
import type { Receipts } from './receipts.ts';
import type { StoreReserve } from './reserve.ts';
import type { BackupOptions, BackupReport, DamagedRow, RestoreOptions, RestoreReport, StoreUpkeep } from './upkeep.ts';
import type { UserErasure } from './user-erasure.ts';
import type { UserSets } from './user-sets.ts';
import type { Webhooks } from './webhooks.ts';

/** The settings of a store's rules. */
export interface StoreOptions {
  readonly clock: Clock;
  /** Minimum number of known seeds; with fewer, an expansion ends as `too_small`. */
  readonly minimumSeeds: number;
  /** How long a job is leased by a claim or a renewal. */
  readonly leaseMs: number;
  /** Maximum number of claims of a job. */
  readonly maximumAttempts: number;
  /**
   * The id of the machine's boot. Set if `clock` follows the clock of the service, which is another process, so that
   * `clock` learns of steps later than the store. Jobs then use the stored time if `clock` differs from the stored time
   * by a step.
   */
  readonly followedBoot?: string | null;
  /**
   * Whether this instance saves a copy if the store's files are lost. Only one of the instances that have the store
   * open should do so.
   */
  readonly saves?: boolean;
  /** Called each time a read finds a damaged row. */
  readonly onDamagedRow?: (row: DamagedRow) => void;
  /**
   * Returns the W3C traceparent of the current operation, which is stored with jobs and events. By default, no
   * traceparent is stored.
   */
  readonly traceparent?: () => string | null;
  /** Called when rules of the blob storage keep deleted files. */
  readonly onKept?: OnKept;
  /**
   * Whether callers wait for the reads of this process. If so, reads fail at once during a known outage of the store,
   * and a look-up sees the commits of other processes within a second. By default, reads wait until the outage ends, up
   * to the time limit of a statement.
   */
  readonly answersRequests?: boolean;
}

/**
 * Receives the number of versions of deleted files that the storage keeps, and the reason: a legal hold, or a retention
 * period and its end. The number is null if the storage does not report it.
 */
export type OnKept = (kept: { readonly versions: number | null; readonly reason: string }) => void;

/** The removal of old data. */
export interface Cleanup {
  /**
   * Removes old audience versions, expansions without a version (with their sets), and expired responses to idempotent
   * requests. Versions made before the time `before` are too old. By default, `before` is computed from the retention
   * period and the store's clock.
   */
  prune(retention: Retention, before?: number): Promise<void>;

  /**
   * Removes blobs that became unused: rankings of deleted audience versions and of ended expansions, and deleted user
   * sets. Blobs that another store may have created are moved aside instead.
   * @throws AppError storage_failed, unavailable, after trying to remove all of them
   */
  removeUnusedFiles(): Promise<void>;

  /**
   * Removes files that killed processes left behind. In a folder of a single service, this is safe only while no
   * process is writing, that is, when the service starts.
   * @throws AppError storage_failed, unavailable
   */
  removeLeftovers(): Promise<void>;

  /**
   * Takes ownership of the files in the store's folder before any files are removed. Files that the store neither
   * refers to nor made are moved aside. Call this method only while no process is writing, that is, when a service
   * starts. Returns the new location of the moved files; null if no files were moved.
   */
  takeFolder(): Promise<string | null>;

  /**
   * Begins a new generation. If somebody later replaces this store with an earlier copy, the copy is recognised as a
   * different store. Called when a service ends; `prune` and `takeFolder` also begin a new generation.
   */
  renewGeneration(): Promise<void>;
}

/**
 * The store of campaigns. When the promise of a method resolves, its effect is on disk; if the promise rejects, it had
 * no effect. Methods reject with AppError storage_failed (disk full, read-only, I/O error), unavailable (another
 * process writes for too long) or database_lost (the store's files were removed or replaced). No transaction spans two
 * calls.
 */
export interface CampaignStore
  extends Campaigns,
    Expansions,
    SetReader,
    Audiences,
    Jobs,
    Feedback,
    Conversions,
    UserErasure,
    Cleanup {
  /** Rankings, and the changes of customised models. */
  readonly blobs: Blobs;
  /** Seeds and suppression lists of any size. */
  readonly userSets: UserSets;
  /** Webhooks and their secrets. */
  readonly webhooks: Webhooks;
  /** Folders and buckets that receive new audience versions. */
  readonly destinations: Destinations;
  /** Events for webhooks and destinations, and their deliveries. */
  readonly outbox: Outbox;
  /** The API keys of callers. */
  readonly apiKeys: ApiKeys;
  /** Receipts of audience versions, and the key that signs them. */
  readonly receipts: Receipts;
  /** The audit log of the store. */
  readonly audit: AuditLog;
  /** The times that the service's clock keeps across restarts. */
  readonly clock: ClockMemory;
  /** The health of the store: whether the store can be written to, its queued jobs, and its failures. */
  readonly health: StoreHealth;
  /** Distributed expansions; null if all expansions are computed by the engine that claims them. */
  readonly ranges: RangeWork | null;
  /** What the processes of a cluster need; null for a store that belongs to one service. */
  readonly cluster: Cluster | null;
  /** Disk space that is released when a deletion finds the disk full. */
  readonly reserve: StoreReserve;
  /** Closes the store; no method may be called afterwards. */
  close(): Promise<void>;
}

/** The part of a store that a thread can read without opening the database. */
export interface StoreFiles extends SetReader {
  readonly blobs: BlobReader;
}

/**
 * A kind of store. The format of `location` depends on the adapter; for example, a location may be a folder or an
 * address.
 */
export interface StoreAdapter {
  /**
   * Locks a store for one service before the store is opened, because two services would release each other's jobs.
   * Returns a function that unlocks the store. The store is also unlocked when the process ends for any reason.
   * @throws AppError unavailable if another service has the lock; storage_failed
   */
  lock(location: string): Promise<() => void>;

  /**
   * Opens a store, creates it if it does not exist, and migrates it to this version. Several processes may open a store
   * at once.
   * @throws AppError storage_failed; invalid_argument if the location contains something that is not a store, a store
   * of a newer version, or files whose database is missing
   */
  open(location: string, options: StoreOptions): Promise<CampaignStore>;

  /**
   * Restores a store that was saved when its files were lost. Must be called before `open`, with the lock. Returns
   * which store was restored, and where the replaced files are now; null if there is no saved store.
   * @throws AppError invalid_argument, with advice, if it is not certain that the saved store is newer; storage_failed
   */
  takeSaved(location: string, now: number): Promise<{ readonly taken: string; readonly aside: string | null } | null>;

  /**
   * Moves aside files whose database is missing, so that `open` creates an empty store. Does nothing if the database
   * exists. Must be called with the lock. Returns the new location of the files; null if there were no files.
   * @throws AppError storage_failed
   */
  adopt(location: string, now: number): Promise<string | null>;

  /** Opens only the part of a store that a thread can read. This part need not be closed. */
  openFiles(location: string): Promise<StoreFiles>;

  /**
   * Opens a store for upkeep, even while a service is using the store. Upkeep compares the files that the store should
   * have with the files that it has; only `remove` writes. The caller must close the returned object.
   * @throws AppError invalid_argument if there is no store of this version; storage_failed
   */
  openUpkeep(location: string): Promise<StoreUpkeep>;

  /**
   * The free space for a store, in bytes; Infinity if the store is not limited by a disk of this machine. The answer
   * does not wait for another machine, because it is needed before each write.
   * @throws AppError storage_failed
   */
  freeBytes(location: string): number;

  /**
   * Copies a snapshot of a store into a new folder, even while a service is using the store.
   * @throws AppError invalid_argument if there is no store of this version, or the folder is not empty; storage_failed;
   * unavailable if files were removed during each attempt to copy them
   */
  backup(location: string, to: string, options: BackupOptions): Promise<BackupReport>;

  /**
   * Creates a store from a backup. Every file is verified; if a file is damaged, nothing is created.
   * @throws AppError invalid_argument if the folder is not a backup, if the backup is damaged or lacks the requested
   * separate folder, or if a target is not empty; storage_failed
   */
  restore(from: string, to: string, options?: RestoreOptions): Promise<RestoreReport>;

  /**
   * Inspects a store without changing it (`now` in milliseconds since 1970).
   * @throws AppError storage_failed if the store cannot be read
   */
  inspect(location: string, now: number): Promise<StoreInspection>;
  /** Checks whether the lock is free, without taking the lock. @throws AppError unavailable if `lock` would throw it */
  requireFree(location: string): Promise<void>;
  /**
   * Checks whether the saved store can be restored, without restoring it.
   * @throws AppError invalid_argument if `takeSaved` would throw it
   */
  requireTakeable(location: string): Promise<void>;
  /**
   * Checks whether the store can be opened, without changing it.
   * @throws AppError the errors of `open`, as far as they can be determined without changing the store
   */
  requireUsable(location: string): Promise<void>;
}

/** The result of inspecting a store. */
export interface StoreInspection {
  /** Whether a service has locked the store. */
  readonly isTaken: boolean;
  /** null if there is no store yet. */
  readonly contents: StoreContents | null;
  /** A description of the files whose database is missing; null if the database exists, or if there are no files. */
  readonly stranded: string | null;
  /** Stores that were saved when their files were lost, and that `takeSaved` has not restored yet. */
  readonly saved: readonly string[];
  /** Folders with unknown files that were moved aside. */
  readonly setAside: readonly string[];
}

export interface StoreContents {
  /** The store's schema version, and the schema version that this program migrates the store to. */
  readonly version: number;
  readonly newestVersion: number;
  readonly sizeBytes: number;
  /** What is wrong with the store; null if the store is intact or was not checked. */
  readonly damage: string | null;
  /** Problems that `verify` finds in a readable store, such as damaged rows. */
  readonly faults: readonly string[];
  /** Whether the store was checked. A store that is too large to be copied into memory is not checked. */
  readonly isChecked: boolean;
  readonly campaigns: number;
  /** Counts of API keys; null if the keys were not read. */
  readonly keys: KeyCounts | null;
}

export interface KeyCounts {
  /** Number of keys that were ever created. Once a key has been created, every request needs a key. */
  readonly made: number;
  /** Number of keys that are neither revoked nor expired. */
  readonly valid: number;
  /** Number of valid keys that may manage keys. */
  readonly admin: number;
}

/**
 * The location of a store as plain data. A process or thread that receives a locator can open the same store. A
 * location may contain a password, so it is never logged.
 */
export interface StoreLocator {
  /** The adapter's name. */
  readonly adapter: string;
  readonly location: string;
  /** Where the blobs are, if they are not at `location`. */
  readonly blobs?: BlobLocator;
}

/** The location of blobs as plain data. */
export interface BlobLocator {
  /** `s3://bucket/prefix`, or `file:///folder`. */
  readonly url: string;
  /** The folder of the cache, which all processes of a host share; blobs that are files need none. */
  readonly cacheFolder: string;
  /** Maximum size of the cache. */
  readonly cacheBytes?: number;
}
