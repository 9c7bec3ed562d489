/** Opens a population version in a separate thread, so that the service's event loop is not blocked. */
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { Erasures } from '../erase/erasures.ts';
import type { OpenTask } from './open-thread.ts';
import { openPopulation, type Population, type PreparedVersion } from './population.ts';

export class PopulationOpener {
  readonly #threads = new SingleTaskThreads<OpenTask, PreparedVersion>({
    beside: import.meta.url,
    name: 'open-thread',
    data: null,
  });

  /**
   * Verifies every file of a version, unless another process has just done so, and opens the version for look-ups.
   * @throws AppError invalid_population
   */
  async open(path: string, version: string, erasures?: Erasures, isVerified = false): Promise<Population> {
    const prepared = await this.#threads.run({ path, version, isVerified });
    return openPopulation(path, { version, prepared, ...(erasures ? { erasures } : {}) });
  }

  /** Stops opening versions. Callers that are still waiting for a version get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}
