/** What share of an expansion's time is adaptation, learned from the ones that ended last, so that progress is time. */
import type { Timings } from '../campaigns/run-facts.ts';

/** Before any expansion has ended: one fit of the heads, then five of four fifths of the seeds for the report. */
const FIRST = 0.2;
/** Weight of the expansion that ended last. */
const NEWEST = 0.3;

export class Pace {
  #adapting = FIRST;

  /** Between .02 and .9 of the time. */
  get adaptingShare(): number {
    return Math.min(0.9, Math.max(0.02, this.#adapting));
  }

  /** `timings` of an expansion that is ready, in seconds. */
  learn({ adapting = 0, scoring = 0 }: Timings): void {
    const seconds = adapting + scoring;
    if (seconds > 0) this.#adapting += NEWEST * (adapting / seconds - this.#adapting);
  }
}
