/**
 * Discrete-event simulation: a virtual clock, and activities that wait for moments, for each other, and for shares of
 * resources. An activity is a generator that yields what it waits for. Equal inputs give equal runs: events of the same
 * time happen in the order in which they were planned.
 */
import { assert } from '../../../src/lib/errors.ts';

/** What an activity waits for. Happens once. */
export class Moment {
  #waiting: (() => void)[] = [];
  #has = false;

  get hasHappened(): boolean {
    return this.#has;
  }

  whenHappened(resume: () => void): void {
    if (this.#has) resume();
    else this.#waiting.push(resume);
  }

  happen(): void {
    if (this.#has) return;
    this.#has = true;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

export type Activity = Generator<Moment, void, void>;

/** The activities that end together: those of a host, or of one claim on it. */
export class Scope {
  #isOver = false;
  readonly #atEnd = new Set<() => void>();

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A scope that ends with this one, or before. */
  child(): Scope {
    const scope = new Scope();
    const end = () => scope.end();
    if (this.#isOver) end();
    else this.#atEnd.add(end);
    scope.#atEnd.add(() => this.#atEnd.delete(end));
    return scope;
  }

  /** Calls `act` when the scope ends, unless the returned function was called before. */
  atEnd(act: () => void): () => void {
    this.#atEnd.add(act);
    return () => void this.#atEnd.delete(act);
  }

  /** Stops all its activities where they are. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const act of [...this.#atEnd]) act();
    this.#atEnd.clear();
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** Runs events in the order of their times. Times are in seconds. */
export class VirtualTime {
  /** A binary heap. */
  readonly #events: Event[] = [];
  #now = 0;
  #planned = 0;

  get now(): number {
    return this.#now;
  }

  plan(seconds: number, act: () => void): void {
    assert(seconds >= 0 && Number.isFinite(seconds), `an event in ${seconds} s`);
    this.#push({ at: this.#now + seconds, order: this.#planned++, act });
  }

  wait(seconds: number): Moment {
    const moment = new Moment();
    this.plan(seconds, () => moment.happen());
    return moment;
  }

  /** Runs an activity until it or its scope ends; the moment is the activity's end, and never comes if it is stopped. */
  start(scope: Scope, activity: Activity): Moment {
    const done = new Moment();
    const resume = (): void => {
      if (scope.isOver) return;
      const { done: isDone, value } = activity.next();
      if (isDone) done.happen();
      else value.whenHappened(resume);
    };
    this.plan(0, resume);
    return done;
  }

  /**
   * Runs until `isOver`.
   * @throws if nothing is planned any more before, or if that takes more than `limit` events
   */
  run(isOver: () => boolean, limit: number): void {
    for (let events = 0; !isOver(); events++) {
      const next = this.#pop();
      assert(next !== null, `nothing happens any more after ${this.#now} s`);
      assert(events < limit, `still not over after ${limit} events and ${this.#now} s`);
      this.#now = next.at;
      next.act();
    }
  }

  #push(event: Event): void {
    const heap = this.#events;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): Event | null {
    const heap = this.#events;
    const [first] = heap;
    if (first === undefined) return null;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
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
