/**
 * The port of the service's clock: the times that earlier starts stored, and the stored times that move with the clock.
 */

/** A moment at which the service's time was right, as far as the service could tell. */
export interface SeenTime {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Monotonic time since the machine booted. `boot` is the id of that boot; null if the system has none. */
  readonly elapsed: number;
  readonly boot: string | null;
}

/** At `at`, the service's time went forward by `ms` because its clock was corrected; ages leave this step out. */
export interface ClockStep {
  readonly at: number;
  readonly ms: number;
}

export interface StepKind {
  /** Whether ages leave this step out. */
  readonly isCorrection: boolean;
  /** The time to remember from then on; null keeps the remembered one. */
  readonly seen: SeenTime | null;
}

export interface ClockMemory {
  /** null if no service has run on this store yet. */
  seen(): SeenTime | null;

  /** Oldest first. */
  steps(): readonly ClockStep[];

  /**
   * Also marks keys that have expired by now as expired for good.
   * @throws AppError storage_failed
   */
  remember(seen: SeenTime): void;

  /**
   * Moves the service's time by `ms`. Everything that waits for a time (jobs, leases, deliveries, the grace of secrets,
   * responses kept for repeated requests) then waits for as long as before.
   * @throws AppError storage_failed
   */
  step(step: ClockStep, how: StepKind): void;
}
