/** Opens a population version in a thread, so that it does not block the event loop that serves look-ups. */
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { Erasures } from '../erase/erasures.ts';
import type { OpenTask } from './open-thread.ts';
import { openPopulation, type Population, type PreparedVersion } from './population.ts';

export class PopulationOpener {
  readonly #threads = new SingleTaskThreads<OpenTask, PreparedVersion>({
    ...{ beside: import.meta.url, name: 'open-thread', data: null },
  });

  /** Opens a version, with every file verified, ready for look-ups. @throws AppError invalid_population */
  async open(path: string, version: string, erasures?: Erasures): Promise<Population> {
    const prepared = await this.#threads.run({ path, version });
    return openPopulation(path, { version, prepared, ...(erasures ? { erasures } : {}) });
  }

  /** Stops opening versions; callers that wait for one get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}
