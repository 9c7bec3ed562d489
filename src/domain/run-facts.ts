/** What is reported about the run of an expansion besides its result. */

/** Seconds by stage: queued, finding (who is a seed, suppressed, filtered out), adapting, scoring, ranking. */
export type Timings = Readonly<Record<string, number>>;

/**
 * Seconds for which an expansion kept threads of the engine busy: it adapts, then makes quality and prediction on the
 * same thread, and is scored by any.
 */
export interface ThreadSeconds {
  readonly adapting: number;
  readonly reporting: number;
  readonly scoring: number;
}

/** What an expansion was computed with. */
export interface ComputedWith {
  /** `cpu`, or `cuda:` and a number. */
  readonly device: string;
  /** Threads of the engine. */
  readonly threads: number;
  /** Users scored by one run of the model. */
  readonly batchSize: number;
  /** Segments of the population. Missing, as the next, in those of earlier versions. */
  readonly segments?: number;
  /** Missing where an earlier attempt had done a part. */
  readonly threadSeconds?: ThreadSeconds;
}
