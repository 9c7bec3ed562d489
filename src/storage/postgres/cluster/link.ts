/** Watches whether the database answers. */
import type { Outage } from '../../../domain/ports/cluster.ts';
import { systemClock } from '../../../lib/clock.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { within } from '../../../lib/within.ts';
import type { PostgresDatabase } from '../database/database.ts';

const LOOK_EVERY_MS = 500;
/** Maximum time to wait for an answer. */
const ANSWER_MS = 2_000;
/** The database counts as lost if it has not answered for this long. */
const LOST_MS = 2_500;

export class DatabaseLink {
  readonly #database: PostgresDatabase;
  readonly #refusesReads: boolean;
  readonly #timer: NodeJS.Timeout;
  #answeredAt = systemClock.elapsed();
  #reason = 'the database does not answer';
  #isLooking = false;

  /** The database has just answered. With `refusesReads`, it refuses reads at once while an outage is known. */
  constructor(database: PostgresDatabase, refusesReads: boolean) {
    this.#database = database;
    this.#refusesReads = refusesReads;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  outage(): Outage | null {
    const ms = systemClock.elapsed() - this.#answeredAt;
    return ms < LOST_MS ? null : { ms, reason: this.#reason };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A returned pulse proves that the database answers. Without one, a statement is sent. */
  async #look(): Promise<void> {
    this.#tellReads();
    if (this.#isLooking) return;
    this.#isLooking = true;
    const askedAt = systemClock.elapsed();
    try {
      if (!this.#database.announcements.isFresh) await this.#ask();
      this.#answeredAt = askedAt;
      this.#tellReads();
    } catch (error) {
      if (error instanceof AppError) this.#reason = messageOf(error);
    } finally {
      this.#isLooking = false;
    }
  }

  #tellReads(): void {
    if (!this.#refusesReads) return;
    const outage = this.outage();
    if (outage === null) this.#database.reads.open();
    else this.#database.reads.close(outage.reason);
  }

  async #ask(): Promise<void> {
    await within(ANSWER_MS, this.#database.probe(), () => new AppError('unavailable', 'the database does not answer'));
  }
}
