/** The port of the service's clock: what it knows of earlier starts, and what moves with it. */

/** A moment of the service's time that was right, as far as it could tell. */
export interface SeenTime {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of the clock that never jumps, in the run of the machine that is named; null where it has no name. */
  readonly elapsed: number;
  readonly boot: string | null;
}

/** The service's time went forward by `ms` at `at` because its clock was corrected: nothing became older by it. */
export interface ClockStep {
  readonly at: number;
  readonly ms: number;
}

export interface StepKind {
  /** Ages do not count it. */
  readonly isCorrection: boolean;
  /** What is to be remembered from then on; null leaves what was. */
  readonly seen: SeenTime | null;
}

export interface ClockMemory {
  /** null where no service has run on this store yet. */
  seen(): SeenTime | null;

  /** Oldest first. */
  steps(): readonly ClockStep[];

  /** Keys that have expired by now are expired for ever. @throws AppError storage_failed */
  remember(seen: SeenTime): void;

  /**
   * The service's time is another one by `ms` from now on: what waits (jobs, leases, deliveries, the grace of secrets,
   * responses that are kept for repeated requests) waits for as long as it did before. @throws AppError storage_failed
   */
  step(step: ClockStep, how: StepKind): void;
}
