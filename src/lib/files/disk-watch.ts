/**
 * Watches the free space on the disk of the data folder. The service accepts no new work while free space is low or
 * unknown, or after the reserve for deletions was released.
 */
import { mkdirSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logging.ts';

/** How long a measurement is reused. */
const FRESH_MS = 500;

/** Free space on the disk of the data folder, in bytes. */
export interface DiskState {
  /** 0 while the free space cannot be read. */
  readonly freeBytes: number;
  /** Why free space cannot be read; null if it can. */
  readonly fault: string | null;
  /** Minimum free space for accepting new work. Reads and deletions continue below it. */
  readonly reserveBytes: number;
  /** Whether space is low or unknown, or the reserve for deletions has been used and not restored yet. */
  readonly isLow: boolean;
}

interface DiskWatchDependencies {
  readonly readFree: () => number;
  readonly reserveBytes: number;
  /** Whether the reserve for deletions was released; by default, there is no such reserve. */
  readonly isGivenUp?: () => boolean;
  /** A cache folder. It is created again if somebody removes it. */
  readonly cacheFolder?: string;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly logger: Logger;
}

export class DiskWatch {
  readonly #dependencies: DiskWatchDependencies;
  #measured: { readonly freeBytes: number; readonly fault: string | null; readonly at: number } | null = null;

  constructor(dependencies: DiskWatchDependencies) {
    this.#dependencies = dependencies;
  }

  /** Measures the free space. If that fails, the state contains the fault, which is logged once until it is gone. */
  state(): DiskState {
    const { clock, logger, reserveBytes, isGivenUp = () => false } = this.#dependencies;
    const now = clock.elapsed();
    const before = this.#measured;
    const isFresh = before !== null && now - before.at < FRESH_MS;
    const { freeBytes, fault } = isFresh ? before : this.#measure(now);
    if (fault !== null && before?.fault == null) logger.error({ fault }, 'the free space of the disk cannot be read');
    if (fault === null && before?.fault != null) logger.info('the free space of the disk can be read again');
    return { freeBytes, reserveBytes, fault, isLow: fault !== null || freeBytes < reserveBytes || isGivenUp() };
  }

  #measure(at: number) {
    try {
      this.#measured = { freeBytes: this.#readOrMakeAgain(), fault: null, at };
    } catch (error) {
      this.#measured = { freeBytes: 0, fault: messageOf(error), at };
    }
    return this.#measured;
  }

  #readOrMakeAgain(): number {
    const { readFree, cacheFolder: folder, logger } = this.#dependencies;
    try {
      return readFree();
    } catch (error) {
      if (folder === undefined || mkdirSync(folder, { recursive: true }) === undefined) throw error;
      logger.warn({ folder }, 'the folder of the cache was gone: it was made again');
      return readFree();
    }
  }
}
