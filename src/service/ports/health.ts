/** What health, metrics and status need from the engine, the machine and the storage. */

/** What an engine that runs has told of itself last. */
export interface EngineHeartbeat {
  readonly pid: number;
  /** Milliseconds since it did. */
  readonly ageMs: number;
  readonly threads: number;
  /** Expansions that it works at. */
  readonly expanding: number;
  readonly residentBytes: number;
  /** The longest that its event loop was late by since the heartbeat before. */
  readonly loopLagSeconds: number;
}

/** The engine's status. */
export interface EngineStatus {
  readonly ready: boolean;
  /** The device once it is ready, otherwise why it is not. */
  readonly detail: string;
  readonly restarts: number;
  /** Engines of this service that were killed because they gave no sign. */
  readonly hung?: number;
  /** How the last engine ended that was not told to; null where none has. */
  readonly lastEnd?: string | null;
  /** None before it is ready, and after it ended. */
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
  /** Of the disk of the data folder. @throws what the system says */
  disk(): DiskSpace;
  /** Of this process; null where the system does not tell. @throws what the system says: none may be left */
  descriptors(): Descriptors | null;
  residentBytes(): number;
}

/** Room on the disk of the data folder, in bytes. */
export interface DiskState {
  readonly freeBytes: number;
  /** Below it no new work is taken: reads and deletions go on. */
  readonly reserveBytes: number;
  /** Also while what was given up for deletions was not made again. */
  readonly isLow: boolean;
}

export type DamageKind = 'ranking' | 'user_set' | 'population' | 'row';

/** A file, the folder of a ranking, or a row of the database that is not whole. */
export interface Damage {
  readonly kind: DamageKind;
  /** In the data folder or, of a population, in its folder; of a row, `<table>/<id>`. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly foundAt: number;
}

export interface StorageStatus {
  /** @throws AppError storage_failed */
  disk(): DiskState;
  /** What is given up for deletions on a full disk; 0 while it is not there. @throws AppError storage_failed */
  reserveFileBytes(): number;
  /** Whether that was there and is not. @throws AppError storage_failed */
  isReserveGivenUp(): boolean;
  /** Before a body is read: the store refuses all writes itself. @throws AppError database_lost */
  refuseIfLost(): void;
  /** Damaged files that were found since the start. */
  damaged(): Readonly<Record<DamageKind, number>>;
  /** Folders of files that the database did not know and had not made, relative to the data folder. */
  setAside(): readonly string[];
  /** Those that are damaged now, the oldest first. */
  damage(): readonly Damage[];
  /** A read of the population failed: all of its files are verified soon. */
  suspectPopulation(): void;
  /** What the scrubber has read since the start. */
  scrubbed(): { readonly bytes: number; readonly passes: number };
}
