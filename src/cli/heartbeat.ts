/** Shows that work that reports no progress is still running: what the work is, and how long it has taken. */
import type { Clock } from '../lib/clock.ts';
import type { Output } from '../lib/output.ts';

const BEAT_MS = 1_000;
/** Minimum time between a line from the work itself and the next line from here. */
const QUIET_MS = 1_500;

export class Heartbeat {
  readonly #output: Output;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #timer: NodeJS.Timeout;
  #doing: string;
  #since: number;
  #spokenAt: number;

  /** Begins at once; `stop` ends it. */
  constructor(output: Output, clock: Pick<Clock, 'elapsed'>, doing: string) {
    this.#output = output;
    this.#clock = clock;
    this.#doing = doing;
    this.#since = clock.elapsed();
    this.#spokenAt = Number.NEGATIVE_INFINITY;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  /** Called when the work has reported something and continues with `doing`. */
  next(doing: string): void {
    this.#spokenAt = this.#clock.elapsed();
    if (doing === this.#doing) return;
    this.#doing = doing;
    this.#since = this.#spokenAt;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = this.#clock.elapsed();
    if (now - this.#spokenAt < QUIET_MS) return;
    this.#output.progress(`${this.#doing}, for ${Math.round((now - this.#since) / 1_000)} s`);
  }
}
