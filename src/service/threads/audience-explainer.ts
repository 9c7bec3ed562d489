/**
 * Explains each audience in a separate thread, because a pass over a population takes seconds, and the event loop that
 * serves look-ups must not wait.
 */
import type { Explanation } from '../../audience/explanation.ts';
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { ExplainTask, ExplainThreadData } from './explain-thread.ts';

/** Explains audiences in threads. The caller limits the number of threads. */
export class AudienceExplainer {
  readonly #threads: SingleTaskThreads<ExplainTask, Explanation>;

  constructor(data: ExplainThreadData) {
    this.#threads = new SingleTaskThreads({ beside: import.meta.url, name: 'explain-thread', data });
  }

  /** @throws AppError population_unavailable, storage_failed, invalid_population */
  explain({ folder, size, populationVersion, seedSets }: ExplainTask): Promise<Explanation> {
    return this.#threads.run({ folder, size, populationVersion, seedSets });
  }

  /** Ends running explanations; callers waiting for an explanation get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}
