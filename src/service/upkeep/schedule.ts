/** Repeats tasks by the clock. Of several services that share a store, one leads. */
import type { Leadership } from '../../domain/ports/leader.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';

/**
 * After a task, the pause is at least this many times as long as the task took, up to a maximum, so that a task over a
 * large store does not take up the database.
 */
const REST_FACTOR = 10;
const LONGEST_REST_MS = 60_000;
/** Rare tasks run for the first time after this time, because services may be restarted more often than they run. */
const FIRST_MS = 10 * 60_000;

/** Runs of the same task never overlap. Failures are logged and retried. */
export class Schedule {
  readonly #leadership: Leadership;
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #timers: NodeJS.Timeout[] = [];
  #isEnded = false;

  constructor(leadership: Leadership, logger: Logger, clock: Pick<Clock, 'elapsed'>) {
    this.#leadership = leadership;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Runs a task at once, whenever this service begins to lead, and at intervals, whether it leads or not. */
  repeat(what: string, everyMs: number, action: () => Promise<void>): void {
    const elapsed = () => this.#clock.elapsed();
    let restUntil = Number.NEGATIVE_INFINITY;
    const look = this.#every(what, everyMs, async () => {
      const begun = elapsed();
      if (begun < restUntil) return;
      await action().finally(() => {
        restUntil = elapsed() + Math.min((elapsed() - begun) * REST_FACTOR, LONGEST_REST_MS);
      });
    });
    this.#leadership.onLead(look);
    look();
  }

  /** Runs a task at intervals while this service leads, and not at once. */
  repeatInLeader(what: string, everyMs: number, action: () => Promise<void>): void {
    const lookEveryMs = Math.min(everyMs, FIRST_MS);
    let rest = 0;
    this.#every(what, lookEveryMs, async () => {
      rest = Math.max(0, rest - lookEveryMs);
      if (rest > 0) return;
      await this.#leadership.lead(async () => {
        await action();
        rest = everyMs;
      });
    });
  }

  /** Interrupted tasks run after the next start, or in the service that leads next. */
  end(): void {
    this.#isEnded = true;
    this.#timers.forEach(clearInterval);
  }

  /** The returned function looks at once. */
  #every(what: string, everyMs: number, look: () => Promise<void>): () => void {
    let isAtWork = false;
    const lookAlone = async () => {
      if (isAtWork || this.#isEnded) return;
      isAtWork = true;
      try {
        await look();
      } catch (error) {
        if (!this.#isEnded) this.#logger.error({ err: error }, `${what} failed and will be retried`);
      } finally {
        isAtWork = false;
      }
    };
    this.#timers.push(setInterval(() => void lookAlone(), everyMs).unref());
    return () => void lookAlone();
  }
}
