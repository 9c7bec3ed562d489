/** What health, metrics and status need to know about the engine, the machine and the storage. */

/** The last report of a running engine. */
export interface EngineHeartbeat {
  readonly pid: number;
  /** Milliseconds since the report. */
  readonly ageMs: number;
  readonly threads: number;
  /** Running expansions. */
  readonly expanding: number;
  readonly residentBytes: number;
  /** Maximum delay of its event loop since the previous heartbeat. */
  readonly loopLagSeconds: number;
}

/** The engine's status. */
export interface EngineStatus {
  readonly ready: boolean;
  /** The device if the engine is ready, otherwise the reason why it is not. */
  readonly detail: string;
  readonly restarts: number;
  /** Engines of this service that were killed because they hung. */
  readonly hung?: number;
  /** How an engine last ended without being told to stop; null if none did. */
  readonly lastEnd?: string | null;
  /** null before the engine is ready and after it has ended. */
  readonly heartbeat?: EngineHeartbeat | null;
  /** Scores made by all engines of this service: users times expansions. */
  readonly usersScored?: number;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface Descriptors {
  readonly open: number;
  readonly limit: number;
}

/** The machine as the API process sees it. */
export interface Machine {
  /** Space on the disk of the data folder. @throws errors of the system */
  disk(): DiskSpace;
  /**
   * Descriptors of this process; null if the system does not report them. @throws errors of the system, such as when no
   * descriptor is left
   */
  descriptors(): Descriptors | null;
  residentBytes(): number;
}

/** Room on the disk of the data folder, in bytes. */
export interface DiskState {
  readonly freeBytes: number;
  /** Below this, no new work is accepted; reads and deletions continue. */
  readonly reserveBytes: number;
  /** Whether space is low; also true while the reserve for deletions is used up and not yet restored. */
  readonly isLow: boolean;
}

export type DamageKind = 'ranking' | 'user_set' | 'population' | 'row';

/** A damaged file, ranking folder or database row. */
export interface Damage {
  readonly kind: DamageKind;
  /** A path in the data folder or, for a population, in its folder; `<table>/<id>` for a row. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly foundAt: number;
}

export interface StorageStatus {
  /** @throws AppError storage_failed */
  disk(): DiskState;
  /** Size of the reserve for deletions on a full disk; 0 while it does not exist. @throws AppError storage_failed */
  reserveFileBytes(): number;
  /** Whether the reserve existed and was given up. @throws AppError storage_failed */
  isReserveGivenUp(): boolean;
  /** To be called before a body is read; the store itself also refuses all writes. @throws AppError database_lost */
  refuseIfLost(): void;
  /** Numbers of damaged files found since the start. */
  damaged(): Readonly<Record<DamageKind, number>>;
  /** Folders with files that the database did not know and had not made, relative to the data folder. */
  setAside(): readonly string[];
  /** Current damage, oldest first. */
  damage(): readonly Damage[];
  /** Reports a failed read of the population: all of its files are verified soon. */
  suspectPopulation(): void;
  /** Totals of the scrubber since the start. */
  scrubbed(): { readonly bytes: number; readonly passes: number };
}
