/**
 * A resource that its users share at the same time: the cores of a host, its network, the database. Each user gets at
 * most its own maximum rate, and the rest is divided equally (max-min fairness).
 */
import { Moment, type Scope, type VirtualTime } from './virtual-time.ts';

interface Use {
  left: number;
  rate: number;
  readonly most: number;
  readonly done: Moment;
  readonly forget: () => void;
}

/** Ends whose times differ by less than this factor are one. */
const ROUNDING = 1 + 1e-9;

export class SharedResource {
  readonly #time: VirtualTime;
  readonly #capacity: number;
  readonly #uses = new Set<Use>();
  #since = 0;
  #plan = 0;

  /** @param capacity amount per second; may be infinite */
  constructor(time: VirtualTime, capacity: number) {
    this.#time = time;
    this.#capacity = capacity;
    this.#since = time.now;
  }

  /**
   * Uses `amount`, at most `most` per second; stops with the scope.
   * The moment comes when all of it has been used.
   */
  use(scope: Scope, amount: number, most: number): Moment {
    const done = new Moment();
    if (scope.isOver) return done;
    if (amount <= 0 || Math.min(most, this.#capacity) === Number.POSITIVE_INFINITY) {
      done.happen();
      return done;
    }
    this.#advance();
    const forget = scope.atEnd(() => {
      this.#advance();
      this.#uses.delete(use);
      this.#share();
    });
    const use: Use = { left: amount, rate: 0, most, done, forget };
    this.#uses.add(use);
    this.#share();
    return done;
  }

  /** Counts what was used since the last change. */
  #advance(): void {
    const seconds = this.#time.now - this.#since;
    this.#since = this.#time.now;
    for (const use of this.#uses) use.left -= Math.min(use.left, use.rate * seconds);
  }

  /** Divides the capacity, and plans the end of the use that ends first. */
  #share(): void {
    let left = this.#capacity;
    const uses = [...this.#uses].sort((a, b) => a.most - b.most);
    for (const [i, use] of uses.entries()) {
      use.rate = Math.min(use.most, left / (uses.length - i));
      left -= use.rate;
    }
    const plan = ++this.#plan;
    if (uses.length === 0) return;
    const seconds = Math.min(...uses.map((use) => use.left / use.rate));
    // chosen now: later, rounding might leave a little of each
    const ending = uses.filter((use) => use.left / use.rate <= seconds * ROUNDING);
    this.#time.plan(seconds, () => {
      // a later plan has replaced it
      if (plan === this.#plan) this.#finish(ending);
    });
  }

  #finish(ended: readonly Use[]): void {
    this.#advance();
    for (const use of ended) {
      this.#uses.delete(use);
      use.forget();
    }
    this.#share();
    for (const { done } of ended) done.happen();
  }
}
