/**
 * The jobs and ranges that an engine is working on at this moment, as opposed to those that are waiting for its
 * threads. The engine reports each change at once, so that its death counts only against these.
 */

/** Shows whether the engine is working on a job or range, in a thread or in the main thread. */
export interface WorkMark {
  begin(): void;
  end(): void;
}

export class WorkList {
  /** Number of pieces of work in progress, by name. */
  readonly #begun = new Map<string, number>();
  readonly #tell: (working: readonly string[]) => void;

  constructor(tell: (working: readonly string[]) => void) {
    this.#tell = tell;
  }

  /** Returns the mark of a job or range. The caller closes it when the work is over. */
  mark(name: string): WorkMark & { close(): void } {
    let isClosed = false; // tasks of a cancelled attempt may begin later
    const add = (change: number) => {
      if (!isClosed) this.#add(name, change);
    };
    return {
      begin: () => add(1),
      end: () => add(-1),
      close: () => {
        add(Number.NEGATIVE_INFINITY);
        isClosed = true;
      },
    };
  }

  #add(name: string, change: number): void {
    const before = this.#begun.get(name) ?? 0;
    const now = Math.max(0, before + change);
    if (now === 0) this.#begun.delete(name);
    else this.#begun.set(name, now);
    if (now > 0 !== before > 0) this.#tell([...this.#begun.keys()]);
  }
}
