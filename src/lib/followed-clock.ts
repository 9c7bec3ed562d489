/** The service's time in another process on the same machine. */
import type { Clock } from './clock.ts';

export class FollowedClock implements Clock {
  readonly #system: Clock;
  #offset: number;

  /** Creates a clock that shows the machine's time until `follow` is called. */
  constructor(system: Clock) {
    this.#system = system;
    this.#offset = system.now() - system.elapsed();
  }

  follow(offsetMs: number): void {
    this.#offset = offsetMs;
  }

  now(): number {
    return Math.floor(this.elapsed() + this.#offset);
  }

  elapsed(): number {
    return this.#system.elapsed();
  }
}
