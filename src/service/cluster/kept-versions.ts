/**
 * Counts and logs versions of deleted files that rules of the bucket, such as a legal hold, keep. They may still
 * contain erased users.
 */
import type { OnKept } from '../../domain/ports/store.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import type { KeptTotals } from '../upkeep/user-eraser.ts';

/** At most one line is logged per interval, because a locked bucket keeps a version at every deletion. */
const LOG_EVERY_MS = 60_000;

export class KeptVersions {
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'elapsed'>;
  #count = 0;
  #unknown = 0;
  #logged = 0;
  #logAt = Number.NEGATIVE_INFINITY;

  constructor(logger: Logger, clock: Pick<Clock, 'elapsed'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Number of versions since the process began. */
  get count(): number {
    return this.#count;
  }

  /** That count, plus deletions for which the storage did not report whether it kept a version. */
  get totals(): KeptTotals {
    return { versions: this.#count, unknown: this.#unknown };
  }

  readonly note: OnKept = ({ versions, reason }) => {
    if (versions === null) this.#unknown += 1;
    else this.#count += versions;
    const now = this.#clock.elapsed();
    if (now < this.#logAt) return;
    const since = this.#count - this.#logged;
    if (versions === null) this.#logger.warn({ reason }, 'the bucket may keep versions of deleted files');
    else this.#logger.warn({ versions: since, reason }, 'the bucket keeps versions of deleted files');
    this.#logged = this.#count;
    this.#logAt = now + LOG_EVERY_MS;
  };
}
