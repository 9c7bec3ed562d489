/** The port of the service's clock: the latest stored time, and corrections of stored times. */

/** A moment at which the service's time was right, as far as the service could tell. */
export interface SeenTime {
  /** The time in milliseconds since 1970. */
  readonly now: number;
  /** Monotonic time since the machine booted. `boot` is the id of that boot; null if the system has no such id. */
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
  /** The time to store with the step; null keeps the stored time. */
  readonly seen: SeenTime | null;
}

export interface ClockMemory {
  /** null if no service has run on this store yet. */
  seen(): SeenTime | null;

  /** The steps of the clock, oldest first. */
  steps(): readonly ClockStep[];

  /**
   * Stores the time. Also marks keys that have expired by this time as permanently expired.
   * @throws AppError storage_failed
   */
  remember(seen: SeenTime): void;

  /**
   * Moves the service's time by `ms`. Remaining waiting times stay the same, because the stored times (of jobs, leases,
   * deliveries, grace periods of secrets, and responses kept for repeated requests) move too.
   * @throws AppError storage_failed
   */
  step(step: ClockStep, how: StepKind): void;
}
