/** The port of the service's clock: what is known from earlier starts, and what moves with it. */

/** A moment of the service's time that was right as far as the service could tell. */
export interface SeenTime {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The clock that never jumps, since the boot of the machine named by `boot`, which is null if it has no name. */
  readonly elapsed: number;
  readonly boot: string | null;
}

/** The service's time went forward by `ms` at `at` because its clock was corrected: nothing became older by it. */
export interface ClockStep {
  readonly at: number;
  readonly ms: number;
}

export interface StepKind {
  /** Whether ages leave this step out. */
  readonly isCorrection: boolean;
  /** What is to be remembered from then on; null leaves what was. */
  readonly seen: SeenTime | null;
}

export interface ClockMemory {
  /** null if no service has run on this store yet. */
  seen(): SeenTime | null;

  /** Oldest first. */
  steps(): readonly ClockStep[];

  /** Keys that have expired by now stay expired for ever. @throws AppError storage_failed */
  remember(seen: SeenTime): void;

  /**
   * The service's time is another one by `ms` from now on: what waits (jobs, leases, deliveries, the grace of secrets,
   * responses that are kept for repeated requests) waits for as long as it did before. @throws AppError storage_failed
   */
  step(step: ClockStep, how: StepKind): void;
}
