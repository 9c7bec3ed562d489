/** How much of the engine's time each expansion took, where several ran at once. */
import type { Clock } from '../lib/clock.ts';

/**
 * While n expansions run, each takes one nth of the time: the seconds of all add up to the time in which any ran,
 * however many ran together.
 */
export class SharedTime {
  readonly #clock: Pick<Clock, 'elapsed'>;
  #running = 0;
  /** Milliseconds that one which runs all the time would have taken. */
  #each = 0;
  #since = 0;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  /** An expansion begins. `seconds` says what it took so far; `end` must be called once. */
  begin(): { readonly seconds: () => number; readonly end: () => void } {
    this.#pass();
    this.#running += 1;
    const start = this.#each;
    return {
      seconds: () => {
        this.#pass();
        return (this.#each - start) / 1000;
      },
      end: () => {
        this.#pass();
        this.#running -= 1;
      },
    };
  }

  #pass(): void {
    const now = this.#clock.elapsed();
    if (this.#running > 0) this.#each += (now - this.#since) / this.#running;
    this.#since = now;
  }
}
