/** How much room the disk of the data folder has: below a reserve the service takes no new work. */
import type { Clock } from '../lib/clock.ts';
import type { DiskState } from '../server/health/port.ts';

/** How long what the system said of the disk is used. */
const FRESH_MS = 500;

export class DiskWatch {
  readonly #readFree: () => number;
  readonly #reserveBytes: number;
  readonly #clock: Clock;
  #state: DiskState | null = null;
  #readAt = 0;

  constructor(readFree: () => number, reserveBytes: number, clock: Clock) {
    this.#readFree = readFree;
    this.#reserveBytes = reserveBytes;
    this.#clock = clock;
  }

  /** @throws AppError storage_failed where the system does not say */
  state(): DiskState {
    const now = this.#clock.elapsed();
    if (this.#state !== null && now - this.#readAt < FRESH_MS) return this.#state;
    const freeBytes = this.#readFree();
    this.#readAt = now;
    this.#state = { freeBytes, reserveBytes: this.#reserveBytes, isLow: freeBytes < this.#reserveBytes };
    return this.#state;
  }
}
