/** What is told of the run of an expansion beside its result. */

/** Seconds by stage: queued, finding (who is a seed, suppressed, filtered out), adapting, scoring, ranking. */
export type Timings = Readonly<Record<string, number>>;

/** What an expansion was computed with. */
export interface ComputedWith {
  /** `cpu`, or `cuda:` and a number. */
  readonly device: string;
  /** Threads of the engine. */
  readonly threads: number;
  /** Users that a run of the model scored. */
  readonly batchSize: number;
  /**
   * Seconds of the engine that it took: of time shared with other expansions, its part. Missing in those of earlier
   * versions.
   */
  readonly engineSeconds?: number;
}
