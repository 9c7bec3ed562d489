/**
 * Measures how long a thread has been silent although it could have sent a message. Time in which the thread was
 * waiting for a processor, or in which the measuring process was stopped, does not count.
 */
import type { ThreadTimes } from './thread-times.ts';

/** Interval between two calls of `look`. */
export const LOOK_EVERY_MS = 1_000;
/** Maximum time that counts per call of `look`, because this process may have been stopped between two calls. */
const MOST_PER_LOOK_MS = 2 * LOOK_EVERY_MS;
/** A thread that runs for less than this share of the time counts as idle. */
const IDLE_SHARE = 0.1;

export class Silence {
  readonly #read: () => ThreadTimes | null;
  #last: ThreadTimes | null;
  #lookedAt: number;
  #silentMs = 0;
  #waitedMs = 0;
  #idleMs = 0;
  #stoppedMs = 0;

  /** Starts measuring. `now` is the time of a monotonic clock, as in `look`. */
  constructor(now: number, read: () => ThreadTimes | null) {
    this.#read = read;
    this.#lookedAt = now;
    this.#last = read();
  }

  /** Milliseconds since the thread's last message that count as silence. */
  get silentMs(): number {
    return Math.max(0, this.#silentMs - this.#waitedMs);
  }

  /**
   * How long the thread has neither run nor waited for a processor or a disk, in milliseconds; 0 if the system does not
   * report this time.
   */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** How long the thread has been stopped (by SIGSTOP or a debugger), in milliseconds. */
  get stoppedMs(): number {
    return this.#stoppedMs;
  }

  /** Whether the system reported the thread's times at the last call of `look`. */
  get isTold(): boolean {
    return this.#last !== null;
  }

  sign(): void {
    this.#silentMs = 0;
    this.#waitedMs = 0;
    this.#idleMs = 0;
    this.#stoppedMs = 0;
  }

  look(now: number): void {
    const passed = Math.min(now - this.#lookedAt, MOST_PER_LOOK_MS);
    const last = this.#last;
    const times = this.#read();
    this.#lookedAt = now;
    this.#last = times;
    if (times === null || last === null) {
      this.#silentMs += passed;
      return;
    }
    const ranMs = times.ranMs - last.ranMs;
    const isStopped = times.state === 'T' || times.state === 't';
    const isIdle = isStopped || (times.state === 'S' && ranMs < IDLE_SHARE * passed);
    // the time that a thread waits for a processor is known only when the wait is over
    const isWaiting = times.state === 'R' && ranMs === 0;
    if (!isWaiting) this.#silentMs += passed;
    this.#waitedMs += times.waitedMs - last.waitedMs;
    this.#idleMs = isIdle ? this.#idleMs + passed : 0;
    this.#stoppedMs = isStopped ? this.#stoppedMs + passed : 0;
  }
}
