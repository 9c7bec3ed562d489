/**
 * Watches the free space on the disk of the data folder. If free space is below a limit, or the reserve for deletions
 * was released, the service accepts no new work.
 */

import type { Clock } from '../../lib/clock.ts';
import type { DiskState } from '../ports/health.ts';

/** How long a measurement is reused. */
const FRESH_MS = 500;

export class DiskWatch {
  readonly #readFree: () => number;
  readonly #reserveBytes: number;
  readonly #isGivenUp: () => boolean;
  readonly #clock: Clock;
  #freeBytes: number | null = null;
  #readAt = 0;

  constructor(readFree: () => number, reserveBytes: number, isGivenUp: () => boolean, clock: Clock) {
    this.#readFree = readFree;
    this.#reserveBytes = reserveBytes;
    this.#isGivenUp = isGivenUp;
    this.#clock = clock;
  }

  /** Measures the free space. @throws AppError storage_failed if the system does not report free space */
  state(): DiskState {
    const now = this.#clock.elapsed();
    if (this.#freeBytes === null || now - this.#readAt >= FRESH_MS) {
      this.#freeBytes = this.#readFree();
      this.#readAt = now;
    }
    const isLow = this.#freeBytes < this.#reserveBytes || this.#isGivenUp();
    return { freeBytes: this.#freeBytes, reserveBytes: this.#reserveBytes, isLow };
  }
}
