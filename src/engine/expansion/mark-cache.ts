/**
 * A cache for marks of a population's rows, because marks may be expensive to compute. Marks are computed in slices.
 * The computation continues even if the caller stops waiting.
 */
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Turn } from '../../audience/find-roles.ts';

interface Work {
  readonly key: string;
  isWanted: boolean;
  outcome: { readonly marks: Uint8Array } | { readonly error: unknown } | null;
}

/**
 * Caches sets of marks. Only one set is computed at a time, so a request for another set ends a computation that no
 * caller is waiting for. A caller that gives up and asks again for the same set finds its computation further along.
 */
export class MarkCache {
  readonly #kept: LRUCache<string, Uint8Array>;
  #work: Work | null = null;

  /** Creates a cache that keeps the `most` sets of marks that were requested last. */
  constructor(most: number) {
    this.#kept = new LRUCache({ max: most });
  }

  /**
   * Returns the marks of a key, which the caller must not change. If the marks are not cached, `make` computes them and
   * calls `turn` between slices. Only one caller may wait at a time; `check` is called while the caller waits.
   * @throws any error that `make` or `check` throws; after an error from `check`, the computation continues
   */
  async get(key: string, make: (turn: Turn) => Promise<Uint8Array>, check: () => void): Promise<Uint8Array> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    if (this.#work?.key !== key) {
      this.end();
      this.#work = this.#start(key, make);
    }
    const work = this.#work;
    for (;;) {
      check();
      if (work.outcome !== null) {
        if ('error' in work.outcome) throw work.outcome.error;
        return work.outcome.marks;
      }
      await setImmediate();
    }
  }

  /** Ends the current computation. */
  end(): void {
    if (this.#work !== null) this.#work.isWanted = false;
    this.#work = null;
  }

  #start(key: string, make: (turn: Turn) => Promise<Uint8Array>): Work {
    const work: Work = { key, isWanted: true, outcome: null };
    const turn = async () => {
      await setImmediate();
      if (!work.isWanted) throw new Error('other marks were requested');
    };
    const finish = (outcome: NonNullable<Work['outcome']>) => {
      work.outcome = outcome;
      if ('marks' in outcome) this.#kept.set(key, outcome.marks);
      if (this.#work === work) this.#work = null;
    };
    make(turn).then(
      (marks) => finish({ marks }),
      (error) => finish({ error }),
    );
    return work;
  }
}
