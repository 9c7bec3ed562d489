/** What the health routes need from the engine and the storage. */

/** The engine's status. */
export interface EngineStatus {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
}

/** Room on the disk of the data folder, in bytes. */
export interface DiskState {
  readonly freeBytes: number;
  /** Below it no new work is taken: reads and deletions go on. */
  readonly reserveBytes: number;
  readonly isLow: boolean;
}

export type DamageKind = 'ranking' | 'user_set' | 'population';

export interface StorageStatus {
  /** @throws AppError storage_failed */
  disk(): DiskState;
  /** Damaged files that were found since the start. */
  damaged(): Readonly<Record<DamageKind, number>>;
  /** What the scrubber has read since the start. */
  scrubbed(): { readonly bytes: number; readonly passes: number };
}
