/**
 * Measures how long an expansion keeps the engine's threads busy. Learns from recent expansions what share of the time
 * each kind of work takes, so that progress can be reported as a share of the work.
 */
import type { ThreadSeconds } from '../../domain/run-facts.ts';
import type { Clock } from '../../lib/clock.ts';
import type { WorkMark } from '../work-list.ts';

/** One task of a thread. */
interface TaskTime {
  /** A thread takes the task. */
  readonly begin: () => void;
  /** Adds the time since the previous `begin` or `pass` to a kind of work. */
  readonly pass: (kind: keyof ThreadSeconds) => void;
  /** The thread has finished the task. */
  readonly end: () => void;
}

export class WorkTime {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #mark: WorkMark;
  readonly #ms = { adapting: 0, reporting: 0, scoring: 0 };

  /** `mark` shows when a thread is working on the expansion. */
  constructor(clock: Pick<Clock, 'elapsed'>, mark: WorkMark) {
    this.#clock = clock;
    this.#mark = mark;
  }

  get seconds(): ThreadSeconds {
    const { adapting, reporting, scoring } = this.#ms;
    return { adapting: adapting / 1000, reporting: reporting / 1000, scoring: scoring / 1000 };
  }

  task(): TaskTime {
    let since = this.#clock.elapsed();
    return {
      begin: () => {
        since = this.#clock.elapsed();
        this.#mark.begin();
      },
      end: () => this.#mark.end(),
      pass: (kind) => {
        const now = this.#clock.elapsed();
        this.#ms[kind] += now - since;
        since = now;
      },
    };
  }
}

/**
 * Shares assumed until the first expansion has ended: one fit of the heads, followed by five fits on four fifths of the
 * seeds for the report.
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
