/** Checks four times a second that the database files exist, and saves the database if they are gone. */
import type { LostFiles, StoreHealth } from '../../domain/ports/health.ts';
import { AppError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';

const EVERY_MS = 250;

export interface DatabaseWatchOptions {
  readonly health: Pick<StoreHealth, 'lostFiles'>;
  /** Called once, if the database is lost. */
  readonly onLost: () => void;
  readonly logger: Logger;
}

export class DatabaseWatch {
  readonly #options: DatabaseWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #reported: LostFiles | null = null;

  constructor(options: DatabaseWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  /** Throws if the last check found that files are lost. @throws AppError database_lost */
  refuseIfLost(): void {
    if (this.#reported === null) return;
    throw new AppError('database_lost', `writing has stopped: ${this.#reported.what}`);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { health, onLost, logger } = this.#options;
    const lost = health.lostFiles();
    if (lost === null) return;
    const before = this.#reported;
    this.#reported = lost;
    if (before === null) onLost();
    if (lost.savedAs !== null && (before === null || before.savedAs === null))
      logger.fatal(
        { file: lost.what, saved: lost.savedAs },
        'a file of the database was removed or replaced: writing has stopped, and the whole database was saved; ' +
          'restart the service to use the saved database',
      );
    else if (lost.savedAs === null && lost.failure !== before?.failure)
      logger.fatal(
        { file: lost.what, reason: lost.failure },
        'a file of the database was removed or replaced, and the database could not be saved yet: leave the service running',
      );
  }
}
