/** Measures how long an expansion keeps threads of the engine busy. */
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

  /** `mark` shows while a thread works on the expansion. */
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
