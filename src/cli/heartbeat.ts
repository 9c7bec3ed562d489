/** Prints heartbeat lines while work reports no progress: what is being done, and for how long. */
import type { Clock } from '../lib/clock.ts';
import type { Output } from '../lib/output.ts';

const BEAT_MS = 1_000;
/** Minimum time between a line printed by the work itself and the next heartbeat line. */
const QUIET_MS = 1_500;

export class Heartbeat {
  readonly #output: Output;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #timer: NodeJS.Timeout;
  #doing: string;
  #since: number;
  #spokenAt: number;

  /** Heartbeat lines for one piece of work, from the construction of the object until `stop`. */
  constructor(output: Output, clock: Pick<Clock, 'elapsed'>, doing: string) {
    this.#output = output;
    this.#clock = clock;
    this.#doing = doing;
    this.#since = clock.elapsed();
    this.#spokenAt = Number.NEGATIVE_INFINITY;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  /** Call this when the work has reported something; `doing` describes the next step. */
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
