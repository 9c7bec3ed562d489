/** Measures how long an expansion keeps threads of the engine busy. */
import type { ThreadSeconds } from '../../domain/run-facts.ts';
import type { Clock } from '../../lib/clock.ts';

export class WorkTime {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #ms = { adapting: 0, reporting: 0, scoring: 0 };

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  get seconds(): ThreadSeconds {
    const { adapting, reporting, scoring } = this.#ms;
    return { adapting: adapting / 1000, reporting: reporting / 1000, scoring: scoring / 1000 };
  }

  /**
   * Measures the time of one task. Call `begin` when a thread takes the task. `pass` adds the time since the previous
   * `begin` or `pass` to a kind of work.
   */
  task(): { readonly begin: () => void; readonly pass: (kind: keyof ThreadSeconds) => void } {
    let since = this.#clock.elapsed();
    return {
      begin: () => {
        since = this.#clock.elapsed();
      },
      pass: (kind) => {
        const now = this.#clock.elapsed();
        this.#ms[kind] += now - since;
        since = now;
      },
    };
  }
}
