/** Explains audiences, each in a thread of its own: a pass over a population takes seconds, and the event loop that answers look-ups never waits for one. */
import type { Explanation, ExplanationLimits } from '../audience/explanation.ts';
import type { ExplainTask, ExplainThreadData } from './explain-thread.ts';
import { ThreadRuns } from './thread-runs.ts';

/** No limit is kept here: who calls it decides how many threads there may be. */
export class AudienceExplainer {
  readonly #common: Pick<ExplainThreadData, 'population' | 'seedFolder' | 'limits'>;
  readonly #threads = new ThreadRuns('explain-thread');

  /** `population` is the folder of all versions; `seedFolder` where the files of user sets are. */
  constructor(common: {
    readonly population: string;
    readonly seedFolder: string;
    readonly limits: ExplanationLimits;
  }) {
    this.#common = common;
  }

  /** @throws AppError population_unavailable, storage_failed, invalid_population */
  async explain({ folder, size, populationVersion, seedSets }: ExplainTask): Promise<Explanation> {
    const workerData: ExplainThreadData = { ...this.#common, folder, size, populationVersion, seedSets };
    return (await this.#threads.run<{ readonly explanation: Explanation }>(workerData)).explanation;
  }

  /** Ends what is running; its callers get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}
