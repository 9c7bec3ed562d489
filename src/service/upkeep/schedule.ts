/** Repeats tasks on a schedule. If several services share a store, one of them leads. */
import type { Leadership } from '../../domain/ports/leader.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';

/**
 * The pause after a task is at least this many times as long as the task, up to a maximum, so that tasks over a large
 * store do not keep the database busy.
 */
const REST_FACTOR = 10;
const LONGEST_REST_MS = 60_000;
/** When a rare task first runs. A service may be restarted more often than such a task is due. */
const FIRST_MS = 10 * 60_000;

/** Repeats tasks. Runs of the same task never overlap. Failures are logged and retried. */
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

  /** Runs a task at once, whenever this service becomes the leader, and at intervals, whether it leads or not. */
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

  /** Runs a task at intervals while this service leads. It does not run at once. */
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

  /** Stops the schedule. An interrupted task runs again after the next start, or in the next leader. */
  end(): void {
    this.#isEnded = true;
    this.#timers.forEach(clearInterval);
  }

  /** Returns a function that checks at once. */
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
