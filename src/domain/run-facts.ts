/** Facts about an expansion's run that are reported in addition to its result. */

/**
 * Seconds by stage: queued, finding (the lookup of seeds, suppressed users and filtered users), adapting, scoring,
 * ranking.
 */
export type Timings = Readonly<Record<string, number>>;

/**
 * Thread-seconds that an expansion used. Adaptation, quality report and prediction run on one thread; scoring may run
 * on all threads.
 */
export interface ThreadSeconds {
  readonly adapting: number;
  readonly reporting: number;
  readonly scoring: number;
}

/** The device and the settings used to compute an expansion. */
export interface ComputedWith {
  /** `cpu`, or `cuda:` followed by the device number. */
  readonly device: string;
  /** Number of threads of the engine. */
  readonly threads: number;
  /** Number of users scored by one run of the model. */
  readonly batchSize: number;
  /** Number of segments in the population; absent from facts that an earlier version of the service stored. */
  readonly segments?: number;
  /** Absent if an earlier attempt did part of the work, or if an earlier version of the service stored the facts. */
  readonly threadSeconds?: ThreadSeconds;
}
