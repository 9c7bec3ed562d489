/**
 * The port of a cluster: what processes on several hosts need from the store that they share. An embedded store, which
 * belongs to one service, has no such port.
 */
import { type Leadership, SOLE_LEADER } from './leader.ts';
import type { Announcements, ServedRow } from './served.ts';

/** A time during which the store does not answer. */
export interface Outage {
  /** How long the store has not answered, in milliseconds. */
  readonly ms: number;
  /** The reason, without addresses and secrets. */
  readonly reason: string;
}

/** Counts of requests by client. A client is named by a digest, because its name may be a key. */
export type ClientCounts = ReadonlyMap<string, number>;

/** Counts that all processes of a cluster add up. */
export interface SharedCounts {
  /**
   * Adds counts to those of a window, and returns the sums of these clients over all processes. If two processes add
   * counts at the same time, only the second receives sums that include both. Windows last `windowMs` and are numbered
   * from 1970. Counts of earlier windows may be gone.
   * @throws AppError unavailable, storage_failed; nothing was added
   */
  add(window: number, added: ClientCounts): Promise<ClientCounts>;
}

/** A process of the cluster, as of its last heartbeat. */
export interface Member {
  /** Unique over all hosts and restarts. */
  readonly id: string;
  /** `node`: answers requests. `engine`: expands campaigns. */
  readonly kind: 'node' | 'engine';
  readonly host: string;
  /** The release of metaheac. */
  readonly release: string;
  /** Whether the process can do its work now. */
  readonly isReady: boolean;
  /** Milliseconds since its last heartbeat. */
  readonly ageMs: number;
}

/** Counts of the local cache of blobs, since the process began. */
export interface BlobCacheCounts {
  /** Parts of blobs that were on this machine. */
  readonly hits: number;
  /** Parts that had to be fetched. */
  readonly misses: number;
  readonly fetchedBytes: number;
  readonly evictions: number;
  readonly evictedBytes: number;
  /** Files whose bytes did not match the sha256 in their name. */
  readonly damaged: number;
  /** Bytes on this machine, as far as this process knows. */
  readonly storedBytes: number;
}

export interface Cluster {
  readonly leadership: Leadership;
  readonly counts: SharedCounts;
  readonly announcements: Announcements;
  readonly served: ServedRow;
  /** Counts of this process's cache of blobs; null if blobs are not cached. */
  readonly blobCache: BlobCacheCounts | null;

  /**
   * The time of the store in milliseconds since 1970, so that all hosts have the same time.
   * @throws AppError unavailable, storage_failed
   */
  now(): Promise<number>;

  /** The permanent id of the database, which the mark of the storage of blobs names. */
  databaseId(): Promise<string>;

  /**
   * null while the store answers. This is checked every second. During an outage, the look-ups of `ApiKeys`,
   * `Audiences` and `findLabels` that are made for each request continue with what they have in memory; every other
   * method throws AppError unavailable. Takes no time.
   */
  outage(): Outage | null;

  /**
   * Shows the other processes that this process runs the engine `owner` and no other engine, until this process ends.
   */
  holdOwner(owner: string): void;

  /**
   * The engines whose processes have ended within the last second, as far as this process has seen. Call this method
   * regularly.
   * @throws AppError unavailable, storage_failed
   */
  findLostOwners(): Promise<readonly string[]>;

  /** Population versions that are served, or that a running expansion or an audience still uses. */
  neededPopulations(): Promise<readonly string[]>;

  /** Models that are served, were served (for rollbacks), or that a running expansion or an audience still uses. */
  neededModels(): Promise<readonly string[]>;

  /** Shows that this process runs. A process that has sent no heartbeat for `forgetAfterMs` is forgotten. */
  heartbeat(member: Omit<Member, 'ageMs'>, forgetAfterMs: number): Promise<void>;

  /** Removes a process that is shutting down. */
  leave(id: string): Promise<void>;

  /** The processes of the cluster. */
  members(): Promise<readonly Member[]>;
}

/** Leadership among the processes that share this store. */
export function leadershipOf({ cluster }: { readonly cluster: Cluster | null }): Leadership {
  return cluster?.leadership ?? SOLE_LEADER;
}
