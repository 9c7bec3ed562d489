/** What health, metrics and status need from the engine and the machine. */

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
