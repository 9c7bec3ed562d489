/** Wakes the loops of a process that wait for an event. */

export class Signal {
  #waiting: (() => void)[] = [];
  #count = 0;

  /** Number of events so far. Read it before looking for work, and pass it to `wait`, so that no event is missed. */
  get count(): number {
    return this.#count;
  }

  /** Resolves at the first event after event `since`, or after `ms` milliseconds. */
  wait(ms: number, since: number): Promise<void> {
    if (this.#count !== since) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  notify(): void {
    this.#count += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
