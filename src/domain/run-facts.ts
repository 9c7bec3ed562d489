/** What is reported about the run of an expansion, besides its result. */

/**
 * Seconds by stage: queued, finding (which users are seeds, suppressed or filtered out), adapting, scoring, ranking.
 */
export type Timings = Readonly<Record<string, number>>;

/**
 * Seconds for which an expansion kept engine threads busy. Adaptation, quality report and prediction run on one thread;
 * any thread may score.
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
  /** Segments of the population. Like the next field, missing in facts from earlier versions. */
  readonly segments?: number;
  /** Missing if an earlier attempt did part of the work. */
  readonly threadSeconds?: ThreadSeconds;
}
