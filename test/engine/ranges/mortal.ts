/** Cuts a host off: its calls to the store never return, or return when the host goes on. */

export class Mortal {
  #state: 'alive' | 'frozen' | 'dead' = 'alive';
  #thawing: (() => void)[] = [];

  get isAlive(): boolean {
    return this.#state === 'alive';
  }

  kill(): void {
    this.#state = 'dead';
  }

  freeze(): void {
    this.#state = 'frozen';
  }

  thaw(): void {
    this.#state = 'alive';
    for (const go of this.#thawing.splice(0)) go();
  }

  /** The same object as this host sees it. Calls of its methods, and of those of its members, go through the host. */
  wrap<T extends object>(whole: T): T {
    const members = new Map<unknown, unknown>();
    return new Proxy(whole, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'function') {
          const call = (...given: unknown[]) => value.apply(target, given);
          // beginning a file is no call of another host
          return name === 'write' ? call : (...given: unknown[]) => this.#call(() => call(...given));
        }
        if (typeof value !== 'object' || value === null) return value;
        if (!members.has(value)) members.set(value, this.wrap(value));
        return members.get(value);
      },
    });
  }

  #call(call: () => unknown): unknown {
    if (this.#state === 'dead') return new Promise(() => {});
    const result = this.#state === 'frozen' ? this.#thawed().then(call) : call();
    return result instanceof Promise ? this.#returned(result) : result;
  }

  /** The result of a call arrives only while the host lives. */
  async #returned(result: Promise<unknown>): Promise<unknown> {
    try {
      return await result;
    } finally {
      if (this.#state === 'dead') await new Promise(() => {});
      if (this.#state === 'frozen') await this.#thawed();
    }
  }

  #thawed(): Promise<void> {
    return new Promise((resolve) => this.#thawing.push(resolve));
  }
}
