/** What a service stores about its clock, so that its time continues after a restart. */

/** The service's time at a moment. */
export interface StoredTime {
  /** The time in milliseconds since 1970. */
  readonly now: number;
  /** Monotonic time since the machine booted. `boot` is the id of that boot; null if the system has no such ids. */
  readonly elapsed: number;
  readonly boot: string | null;
}

/**
 * A correction of the service's clock: at the time `at`, the clock was moved forward by `ms`. Ages do not include this
 * step.
 */
export interface ClockStep {
  readonly at: number;
  readonly ms: number;
}

export interface StepKind {
  /** Whether the step corrects the clock. Ages do not include a correction. */
  readonly isCorrection: boolean;
  /** The time after the step, which is stored with the step. */
  readonly time: StoredTime;
  /** Whether this time is right, as far as the service can tell. */
  readonly isRight: boolean;
}

export interface ClockMemory {
  /** The last stored time that was right, as far as the service could tell; null if there is none yet. */
  seen(): StoredTime | null;

  /**
   * The last stored time, right or not. Stored waiting times are relative to it. Null if no service has stored its time
   * yet.
   */
  used(): StoredTime | null;

  /** The corrections of the clock, oldest first. */
  steps(): readonly ClockStep[];

  /**
   * Stores the time. If the time is right, also marks keys that have expired by this time as permanently expired.
   * @throws AppError storage_failed
   */
  remember(time: StoredTime, isRight: boolean): void;

  /**
   * Moves the service's time by `ms`. Remaining waiting times stay the same, because stored times (of jobs, leases,
   * deliveries, grace periods of secrets, and responses kept for repeated requests) move too.
   * @throws AppError storage_failed
   */
  step(step: ClockStep, how: StepKind): void;
}
