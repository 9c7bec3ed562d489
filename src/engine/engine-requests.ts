/** Callers that wait for responses of an engine, by the id of their request. */

interface Waiting<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

export class EngineRequests<T> {
  readonly #waiting = new Map<number, Waiting<T>>();
  #last = 0;

  /** Sends a request with a new id, and waits for its response, or for as long as `late` says. */
  ask(send: (id: number) => void, late?: { readonly afterMs: number; readonly answer: T }): Promise<T> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = late && setTimeout(() => this.resolve(id, late.answer), late.afterMs);
      this.#waiting.set(id, { resolve, reject, timer });
      send(id);
    });
  }

  /** Ends the wait for a request; does nothing if its caller no longer waits. */
  resolve(id: number, answer: T): void {
    this.#take(id)?.resolve(answer);
  }

  /** Ends the wait for a request with an error; does nothing if its caller no longer waits. */
  reject(id: number, error: unknown): void {
    this.#take(id)?.reject(error);
  }

  resolveAll(answer: T): void {
    for (const id of [...this.#waiting.keys()]) this.resolve(id, answer);
  }

  rejectAll(error: unknown): void {
    for (const id of [...this.#waiting.keys()]) this.reject(id, error);
  }

  #take(id: number): Waiting<T> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
