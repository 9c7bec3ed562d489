/** Refuses requests while the event loop falls behind: what costs most first, look-ups last, health checks never. */
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { RequestClass } from './fastify-types.ts';
import type { HttpLimits } from './limits.ts';

export type ShedderLimits = Pick<HttpLimits, 'overloadLagMs' | 'overloadLookupLagMs'>;

const LOOK_EVERY_MS = 50;
/** So many looks on end that are late are no accident. */
const LATE_LOOKS = 3;
/** When a caller that was refused may try again. */
const RETRY_SECONDS = 2;
/** Served until the second limit: what ad servers wait for, and what shows an operator where things stand. */
const LAST: ReadonlySet<RequestClass> = new Set(['lookup', 'read']);

/**
 * How late a timer is says how long a request waits until it is looked at. One that is late once may follow a long
 * computation or a collection of garbage; late over and over, more comes in than can be answered.
 */
export class LoadShedder {
  readonly #limits: ShedderLimits;
  readonly #clock: Pick<Clock, 'elapsed'>;
  #seen: number;
  /** Looks on end that were later than each limit. */
  #late = 0;
  #lateForLookups = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(limits: ShedderLimits, clock: Pick<Clock, 'elapsed'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#seen = clock.elapsed();
  }

  /** Until `stop`, the loop is looked at. */
  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** To be called every 50 ms: it finds by how much it is called later. */
  look(): void {
    const now = this.#clock.elapsed();
    const lag = now - this.#seen - LOOK_EVERY_MS;
    this.#seen = now;
    this.#late = lag > this.#limits.overloadLagMs ? this.#late + 1 : 0;
    this.#lateForLookups = lag > this.#limits.overloadLookupLagMs ? this.#lateForLookups + 1 : 0;
  }

  /** Whether any requests are refused now. */
  get isOverloaded(): boolean {
    return this.#late >= LATE_LOOKS;
  }

  /** @throws AppError unavailable (facts: retry_after in seconds) where requests of this class are refused now */
  refuse(name: RequestClass): void {
    if (!this.isOverloaded || name === 'health') return;
    if (LAST.has(name) && this.#lateForLookups < LATE_LOOKS) return;
    throw new AppError('unavailable', 'more requests arrive than can be answered', {
      facts: { retry_after: RETRY_SECONDS },
    });
  }
}
