/**
 * Maintains the reserve of the data folder: creates the reserve while the disk has ample space, and reports when it was
 * released.
 */
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';

const LOOK_EVERY_MS = 2_000;
/** Free space that is needed to create the reserve, as a multiple of its size, in addition to the other reserves. */
const ROOM = 2;

export interface ReserveKeeperOptions {
  readonly reserve: StoreReserve;
  /** Size of the reserve; 0 for no reserve. */
  readonly bytes: number;
  /** Minimum free space; with less free space, the service accepts no new work or is not ready. */
  readonly keptFreeBytes: number;
  /** @throws AppError storage_failed */
  readonly freeBytes: () => number;
  readonly logger: Logger;
}

export class ReserveKeeper {
  readonly #options: ReserveKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  #work: Promise<void> | null = null;
  #wasThere = false;
  #isReported = false;
  #failure = '';
  #onExpected: () => void = () => {};

  /** Checks the reserve now, and repeatedly until `close`. */
  constructor(options: ReserveKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#start(), LOOK_EVERY_MS);
    this.#timer.unref();
    this.#start();
  }

  /** Whether the reserve was released. Until the reserve is created again, free space is kept for deletions. */
  isGivenUp(): boolean {
    const { reserve } = this.#options;
    return this.isExpected() && (reserve.isGivenUp || reserve.sizeBytes() === 0);
  }

  /** Whether the reserve once existed. If the reserve is missing but once existed, it was released. */
  isExpected(): boolean {
    const { reserve, bytes } = this.#options;
    return bytes > 0 && (this.#wasThere || reserve.isGivenUp);
  }

  /** Sets the only listener, which is called after each check while there should be a reserve. */
  onExpected(listener: () => void): void {
    this.#onExpected = listener;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
  }

  #start(): void {
    this.#work ??= this.#look().finally(() => {
      this.#work = null;
    });
  }

  async #look(): Promise<void> {
    const { reserve, bytes, logger } = this.#options;
    try {
      this.#report();
      if (reserve.sizeBytes() !== bytes && this.#hasRoom()) await this.#make();
      this.#wasThere ||= bytes > 0 && reserve.sizeBytes() === bytes;
      this.#failure = '';
    } catch (error) {
      // a disk that stays full is reported only once
      if (messageOf(error) !== this.#failure)
        logger.warn({ err: error }, 'the reserve for deletions could not be created');
      this.#failure = messageOf(error);
    }
    if (this.isExpected()) this.#onExpected();
  }

  async #make(): Promise<void> {
    const { reserve, bytes, logger } = this.#options;
    await reserve.keep(bytes);
    if (this.#isReported && !this.isGivenUp()) {
      this.#isReported = false;
      logger.info({ bytes }, 'the reserve for deletions was created again');
    }
  }

  #report(): void {
    if (this.#isReported || !this.isGivenUp()) return;
    this.#isReported = true;
    this.#options.logger.warn('the disk was full, so the reserve was given up for a deletion: new work is refused');
  }

  /** Whether there is enough space. If a reserve of a different size exists, its space counts as free. */
  #hasRoom(): boolean {
    const { reserve, bytes, keptFreeBytes, freeBytes } = this.#options;
    return bytes === 0 || freeBytes() + reserve.sizeBytes() >= keptFreeBytes + ROOM * bytes;
  }
}
