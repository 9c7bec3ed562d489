/**
 * Learns from recent expansions what share of an expansion each kind of work takes, so that progress can be measured as
 * a share of the work.
 */
import type { ThreadSeconds } from '../../domain/run-facts.ts';

/**
 * Shares assumed until the first expansion has ended. They correspond to one fit of the heads, followed by five fits on
 * four fifths of the seeds for the report.
 */
const FIRST: ThreadSeconds = { adapting: 0.15, reporting: 0.6, scoring: 0.25 };
/** Weight of the latest expansion in the moving average. */
const NEWEST = 0.3;

export class Pace {
  #shares = FIRST;

  /** The share of an expansion that each kind of work takes. The shares add up to 1. */
  get shares(): ThreadSeconds {
    return this.#shares;
  }

  /** Updates the shares with the work of an expansion that is ready. */
  learn({ adapting, reporting, scoring }: ThreadSeconds): void {
    const seconds = adapting + reporting + scoring;
    if (!(seconds > 0)) return;
    const mix = (share: number, newest: number) => share + NEWEST * (newest / seconds - share);
    this.#shares = {
      adapting: mix(this.#shares.adapting, adapting),
      reporting: mix(this.#shares.reporting, reporting),
      scoring: mix(this.#shares.scoring, scoring),
    };
  }
}
