/**
 * Reviews and compares population versions in a separate thread, one at a time, because each pass reads a whole
 * version.
 */
import { LRUCache } from 'lru-cache';
import { AppError } from '../../lib/errors.ts';
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { PopulationDiff } from './diff.ts';
import type { FeatureUse } from './review.ts';
import type { Reviewed, ReviewTask } from './review-thread.ts';

/** Maximum number of waiting passes. Further requests fail. */
const MAXIMUM_WAITING = 8;
/** Number of results to cache. Results stay valid because versions never change. */
const KEPT = 32;
const RETRY_SECONDS = 2;

export class PopulationReviewer {
  readonly #path: string;
  readonly #threads = new SingleTaskThreads<ReviewTask, Reviewed>({
    beside: import.meta.url,
    name: 'review-thread',
    data: null,
  });
  readonly #found = new LRUCache<string, Promise<Reviewed>>({ max: KEPT });
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Counts how often each token is used. @throws AppError invalid_population, unavailable (too many passes are waiting)
   */
  async uses(version: string): Promise<readonly FeatureUse[]> {
    const found = await this.#find(version, null);
    return 'uses' in found ? found.uses : [];
  }

  /** The differences between `since` and `version`. @throws the errors of `uses` */
  async diff(since: string, version: string): Promise<PopulationDiff> {
    const found = await this.#find(version, since);
    if (!('diff' in found)) throw new Error('a comparison was asked for');
    return found.diff;
  }

  /** Stops the running pass. Callers that are waiting for its result get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #find(version: string, since: string | null): Promise<Reviewed> {
    const key = `${version} ${since ?? ''}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    if (this.#waiting >= MAXIMUM_WAITING)
      throw new AppError('unavailable', 'other population versions are being reviewed: try again later', {
        facts: { retry_after: RETRY_SECONDS },
      });
    this.#waiting += 1;
    const found = this.#last.then(() => this.#threads.run({ path: this.#path, version, since }));
    this.#last = found
      .catch(() => this.#found.delete(key))
      .finally(() => {
        this.#waiting -= 1;
      });
    this.#found.set(key, found);
    return found;
  }
}
