/** Wakes the loops of a process that wait for an event. */

export class Signal {
  #waiting = new Set<() => void>();
  #count = 0;

  /** Number of events so far. Read it before looking for work, and pass it to `wait`, so that no event is missed. */
  get count(): number {
    return this.#count;
  }

  /** Resolves at the first event after event `since`, or after `ms` milliseconds. */
  wait(ms: number, since: number): Promise<void> {
    if (this.#count !== since) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  notify(): void {
    this.#count += 1;
    for (const wake of [...this.#waiting]) wake();
  }
}
