/** Facts about the engine, the machine and the storage for health checks, metrics and status. */

import type { EngineHeartbeat, EngineState } from '../../engine/supervisor.ts';
import type { DiskState } from '../../lib/files/disk-watch.ts';
import type { MirrorCounts } from '../../population/share.ts';

export type { EngineHeartbeat };

/** The status of this process's engine or, if it has none, of its cluster's engines. */
export type EngineStatus = Pick<EngineState, 'ready' | 'detail' | 'restarts'> &
  Partial<EngineState> & {
    /** Whether this is the status of the cluster's engines, because this process has none. */
    readonly isElsewhere?: boolean;
  };

/** What a node of a cluster counts, beyond what its store counts. */
export interface SharedStatus {
  mirror(): MirrorCounts;
  /** Number of versions of deleted files that rules of the bucket keep, of deletions by this process. */
  keptVersions(): number;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface Descriptors {
  readonly open: number;
  readonly limit: number;
}

/** Measurements that the API process makes of its machine. */
export interface Machine {
  /** Measures space on the disk of the data folder. @throws errors of the operating system */
  disk(): DiskSpace;
  /**
   * Counts the open descriptors of this process; null if the system does not report them. @throws errors of the
   * operating system, for example if no descriptor is left
   */
  descriptors(): Descriptors | null;
  residentBytes(): number;
}

export type DamageKind = 'ranking' | 'user_set' | 'population' | 'row';

/** A damaged file, ranking folder or database row. */
export interface Damage {
  readonly kind: DamageKind;
  /**
   * A path relative to the data folder or, for a file of a population, to the population folder; `<table>/<id>` for a
   * row.
   */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly foundAt: number;
}

export interface StorageStatus {
  disk(): DiskState;
  /** Size of the reserve for deletions on a full disk; 0 while there is no reserve. @throws AppError storage_failed */
  reserveFileBytes(): number;
  /** Whether the reserve was released for a deletion. @throws AppError storage_failed */
  isReserveGivenUp(): boolean;
  /**
   * Refuses writes to a lost database. Call this before a request body is read; the store itself also refuses writes.
   * @throws AppError database_lost
   */
  refuseIfLost(): void;
  /** Number of damaged files and rows found since the start, by kind. */
  damaged(): Readonly<Record<DamageKind, number>>;
  /**
   * Folders of files that were set aside because the database has no record of them and did not create them. Paths are
   * relative to the data folder.
   */
  setAside(): Promise<readonly string[]>;
  /** Current damage, oldest first. */
  damage(): readonly Damage[];
  /** Reports a failed read of the population, so that all its files are verified soon. */
  suspectPopulation(): void;
  /** Totals of the scrubber since the start. */
  scrubbed(): { readonly bytes: number; readonly passes: number };
}
