/**
 * Expensive marks of a population's rows, computed in slices and cached. The work continues even if the caller stops
 * waiting.
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
 * One set of marks is computed at a time: a request for another set ends abandoned work. A caller that gives up and
 * asks again therefore finds the work further along, and at most one piece of work is abandoned.
 */
export class MarkCache {
  readonly #kept: LRUCache<string, Uint8Array>;
  #work: Work | null = null;

  /** Keeps the `most` sets of marks that were requested last. */
  constructor(most: number) {
    this.#kept = new LRUCache({ max: most });
  }

  /**
   * Returns the marks of a key, which the caller must not change; if they are not cached, `make` computes them, calling
   * `turn` between slices. For one caller at a time.
   * @throws whatever `make` throws, or `check`, which is called while the caller waits; after `check`, work continues
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

  /** Ends the current work. */
  end(): void {
    if (this.#work !== null) this.#work.isWanted = false;
    this.#work = null;
  }

  #start(key: string, make: (turn: Turn) => Promise<Uint8Array>): Work {
    const work: Work = { key, isWanted: true, outcome: null };
    const turn = async () => {
      await setImmediate();
      if (!work.isWanted) throw new Error('other marks are wanted');
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
