/**
 * Discrete-event simulation: a virtual clock, and activities that wait for moments, for each other, and for shares of
 * resources. An activity is a generator that yields what it waits for. Equal inputs give equal runs: events of the same
 * time happen in the order in which they were planned.
 */
import { assert } from '../../../src/lib/errors.ts';

/** Far more than the largest scenario of the table needs (three million). */
const MAXIMUM_EVENTS = 200_000_000;

/** What an activity waits for. Happens once. */
export class Moment {
  #waiting: (() => void)[] = [];
  #has = false;

  whenHappened(resume: () => void): void {
    if (this.#has) resume();
    else this.#waiting.push(resume);
  }

  happen(): this {
    this.#has = true;
    for (const resume of this.#waiting.splice(0)) resume();
    return this;
  }
}

export type Activity = Generator<Moment, void, void>;

/** From the start of a host to its death, which stops all its activities where they are. */
export interface Life {
  readonly name: string;
  isOver: boolean;
}

/** Runs events in the order of their times. Times are in seconds. */
export class VirtualTime {
  /** The next one is the last. */
  readonly #events: { readonly at: number; readonly act: () => void }[] = [];
  #now = 0;

  get now(): number {
    return this.#now;
  }

  plan(seconds: number, act: () => void): void {
    assert(seconds >= 0 && Number.isFinite(seconds), `an event in ${seconds} s`);
    const at = this.#now + seconds;
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.at > at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, act });
  }

  wait(seconds: number): Moment {
    const moment = new Moment();
    this.plan(seconds, () => moment.happen());
    return moment;
  }

  /** Runs an activity; the moment is its end, and never comes if the life ends first. */
  start(life: Life, activity: Activity): Moment {
    const done = new Moment();
    const resume = (): void => {
      if (life.isOver) return;
      const { done: isDone, value } = activity.next();
      if (isDone) done.happen();
      else value.whenHappened(resume);
    };
    this.plan(0, resume);
    return done;
  }

  /** @throws if nothing is planned any more before `isOver`, or if that takes too many events */
  run(isOver: () => boolean): void {
    for (let events = 0; !isOver(); events++) {
      const next = this.#events.pop();
      assert(next !== undefined && events < MAXIMUM_EVENTS, `not over after ${events} events and ${this.#now} s`);
      this.#now = next.at;
      next.act();
    }
  }
}

/** Happens when all have. */
export function all(moments: readonly Moment[]): Moment {
  const done = new Moment();
  let left = moments.length;
  if (left === 0) done.happen();
  for (const moment of moments)
    moment.whenHappened(() => {
      left -= 1;
      if (left === 0) done.happen();
    });
  return done;
}

/** Happens with the first of them. */
export function first(moments: readonly Moment[]): Moment {
  const done = new Moment();
  for (const moment of moments) moment.whenHappened(() => done.happen());
  return done;
}

interface Use {
  left: number;
  rate: number;
  readonly most: number;
  readonly done: Moment;
}

/** Ends whose times differ by less than this factor are one. */
const ROUNDING = 1 + 1e-9;

/**
 * A resource that its users share at the same time: the cores of a host, its network, the database. Each user gets at
 * most its own maximum rate, and the rest is divided equally (max-min fairness).
 */
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
  }

  /** Uses `amount`, at most `most` per second. The moment comes when all of it has been used. */
  use(amount: number, most: number): Moment {
    const done = new Moment();
    if (amount <= 0 || Math.min(most, this.#capacity) === Number.POSITIVE_INFINITY) return done.happen();
    this.#advance();
    this.#uses.add({ left: amount, rate: 0, most, done });
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
      if (plan !== this.#plan) return;
      this.#advance();
      for (const use of ending) this.#uses.delete(use);
      this.#share();
      for (const { done } of ending) done.happen();
    });
  }
}
