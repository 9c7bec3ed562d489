/**
 * The whole store: all ports of one data folder or database. Its users should take the narrowest port that suffices.
 */
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
  /** Fewer known seeds than this make an expansion too_small. */
  readonly minimumSeeds: number;
  /** How long a claim or a renewal lasts. */
  readonly leaseMs: number;
  /** Maximum claims of a job. */
  readonly maximumAttempts: number;
  /** Whether this one, of all that have the store open, saves it where its files are lost. */
  readonly saves?: boolean;
  /** Called each time that a read finds a row that is not as it was written. */
  readonly onDamagedRow?: (row: DamagedRow) => void;
  /** The W3C traceparent of what is done at this moment: jobs and events keep it. None is kept by default. */
  readonly traceparent?: () => string | null;
}

/** The removal of old data. */
export interface Cleanup {
  /**
   * Removes audience versions beyond the retention, expansions without a version along with their sets, and expired
   * responses to idempotent requests. `before` is the time of what is as old as the retention says; by default, by the
   * store's clock.
   */
  prune(retention: Retention, before?: number): void;

  /**
   * Removes rankings that belong to no audience version and no running expansion; sets them aside where this store is
   * not known to have made them. @throws AppError storage_failed
   */
  removeUnusedFiles(): void;

  /**
   * Makes what lies beside the store its own, before anything of it is removed: what it does not name and did not make
   * is set aside. Only while nobody writes: at the start of a service. Returns where that is now, null for nothing.
   */
  takeFolder(): string | null;

  /**
   * From now on an earlier copy of this store, put in its place, is known as another one; called at the end of a
   * service. `prune` and `takeFolder` do so too.
   */
  renewGeneration(): void;
}

/**
 * Every method either has its effect on disk when it returns, or throws without any effect: AppError storage_failed
 * (disk full, read-only, I/O error), unavailable (another process writes for too long) or database_lost (its files were
 * removed or replaced). No transaction spans two calls.
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
  /** The webhooks and their secrets. */
  readonly webhooks: Webhooks;
  /** The events for webhooks and their deliveries. */
  readonly outbox: Outbox;
  /** The keys that callers need. */
  readonly apiKeys: ApiKeys;
  /** Who did what. */
  readonly audit: AuditLog;
  /** What outlives a clock that jumps. */
  readonly clock: ClockMemory;
  /** Whether it can be written, what waits and what failed. */
  readonly health: StoreHealth;
  /** What is given up for deletions on a full disk. */
  readonly reserve: StoreReserve;
  /** Nothing may be called afterwards. */
  close(): void;
}

/** What a thread reads beside its process's store. */
export interface StoreFiles extends SetReader {
  readonly blobs: BlobReader;
}

/** A kind of store. `location` says where one is, in the adapter's own terms: a folder, an address. */
export interface StoreAdapter {
  /**
   * Takes a store for one service, before it is opened: two would give away each other's jobs. Returns what gives it
   * back; the end of the process, however that comes, does so too.
   * @throws AppError unavailable where another service has it; storage_failed
   */
  lock(location: string): () => void;

  /**
   * Opens a store, made where there is none, and brings it to this version; any number of processes may do so at once.
   * @throws AppError storage_failed; invalid_argument where what is there is not a store, or of a newer version, and
   * where there are files that a store has made and no store
   */
  open(location: string, options: StoreOptions): CampaignStore;

  /**
   * Takes a store that was saved as its files were lost while it was open, before `open`; the caller has the lock.
   * Returns which, and where what was in its place is now; null where none was saved.
   * @throws AppError invalid_argument, with what to do, where it is not surely the newer one; storage_failed
   */
  takeSaved(location: string, now: number): { readonly taken: string; readonly aside: string | null } | null;

  /**
   * Moves files whose store is gone aside, so that `open` makes an empty one; nothing where there is a store. The
   * caller has the lock. Returns where they are now, null for nothing. @throws AppError storage_failed
   */
  adopt(location: string, now: number): string | null;

  /** Opens the reading half alone: it holds nothing that is to be closed. */
  openFiles(location: string): StoreFiles;

  /**
   * Opens what campaigns came to, beside the service that writes them; nothing is written. The caller closes it.
   * @throws AppError invalid_argument where there is no store of this version; storage_failed
   */
  openRecords(location: string): CampaignRecords;

  /**
   * Opens what a store should have and has, beside the service that uses it; nothing is written but by `remove`. The
   * caller closes it.
   * @throws AppError invalid_argument where there is no store of this version; storage_failed
   */
  openUpkeep(location: string): StoreUpkeep;

  /** How much room a store has for more, in bytes. @throws AppError storage_failed */
  freeBytes(location: string): number;

  /**
   * Copies a store, as it is at one moment, into a new folder, while a service uses it.
   * @throws AppError invalid_argument where there is no store of this version, or the folder is not empty;
   * storage_failed; unavailable where what is to be copied is removed again and again meanwhile
   */
  backup(location: string, to: string, options: BackupOptions): Promise<BackupReport>;

  /**
   * Makes a store of a copy; every file is verified, and nothing is there unless all are whole.
   * @throws AppError invalid_argument where it is no copy, is damaged or lacks what is to go apart, or a target is not
   * empty; storage_failed
   */
  restore(from: string, to: string, options?: RestoreOptions): Promise<RestoreReport>;

  /**
   * Looks at what is there at this moment (milliseconds since 1970), and changes nothing.
   * @throws AppError storage_failed where it cannot be read
   */
  inspect(location: string, now: number): StoreInspection;
  /** Looks only. @throws AppError unavailable where `lock` would be refused */
  requireFree(location: string): void;
  /** Looks only. @throws AppError invalid_argument where `takeSaved` would be refused */
  requireTakeable(location: string): void;
  /** Looks only. @throws AppError as `open`, as far as can be seen without changing anything */
  requireUsable(location: string): void;
}

/** A store as it is found. */
export interface StoreInspection {
  /** Whether a service has taken it. */
  readonly isTaken: boolean;
  /** null where there is none yet. */
  readonly contents: StoreContents | null;
  /** What lies beside a store that is gone, in words; null where there is a store, or nothing. */
  readonly stranded: string | null;
  /** Stores that were saved as their files were lost, and that `takeSaved` was not asked for yet. */
  readonly saved: readonly string[];
  /** Folders of files that were set aside, as stores found them and did not know them. */
  readonly setAside: readonly string[];
}

export interface StoreContents {
  /** Of its schema, and the one that this program brings it to. */
  readonly version: number;
  readonly newestVersion: number;
  readonly sizeBytes: number;
  /** What is wrong with it; null if it is whole, or was not checked. */
  readonly damage: string | null;
  /** What `verify` finds in one that can be read: rows that are not as they were written, and the like. */
  readonly faults: readonly string[];
  /** Large ones are not, where that needs a copy in memory. */
  readonly isChecked: boolean;
  readonly campaigns: number;
  /** Keys of callers; null where that was not read. */
  readonly keys: KeyCounts | null;
}

export interface KeyCounts {
  /** All that were ever made: from the first one on a key is needed. */
  readonly made: number;
  /** Those that are neither revoked nor expired. */
  readonly valid: number;
  /** Of those, the ones that may change keys. */
  readonly admin: number;
}

/** Where a store is, as plain data: what a process or a thread is handed to open the same one. */
export interface StoreLocator {
  /** The adapter's name. */
  readonly adapter: string;
  readonly location: string;
}
