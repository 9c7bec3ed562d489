/** The report that an engine sends every second while its event loop runs. */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../lib/clock.ts';

/** Of the engine, since the heartbeat before where it is a sum. */
export interface Heartbeat {
  /** Expansions that it works at. */
  readonly expanding: number;
  readonly usersScored: number;
  readonly residentBytes: number;
  /** The longest that the event loop was late by. */
  readonly loopLagSeconds: number;
  /** Of the largest population that it has opened: it may be as silent as work on so many takes. */
  readonly users: number;
}

const EVERY_MS = 1_000;
/** How often the event loop's delay is measured; what it adds to every delay. */
const RESOLUTION_MS = 20;

/** Counts what the engine does, and tells it. */
export class Pulse {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #tell: (heartbeat: Heartbeat) => void;
  #delay: ELDHistogram | null = null;
  #toldAt = 0;
  #expanding = 0;
  #usersScored = 0;
  #users = 0;

  constructor(clock: Pick<Clock, 'elapsed'>, tell: (heartbeat: Heartbeat) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Tells for the first time at once. The timer keeps no process alive. */
  start(): void {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#beat();
    setInterval(() => this.#beat(), EVERY_MS).unref();
  }

  /** Tells now if it is time to: what follows may hold the event loop up, as much as what was before. */
  goOn(): void {
    if (this.#delay !== null && this.#clock.elapsed() - this.#toldAt >= EVERY_MS) this.#beat();
  }

  scored(users: number): void {
    this.#usersScored += users;
  }

  expectWorkOn(users: number): void {
    this.#users = Math.max(this.#users, users);
  }

  /** Counts an expansion while `work` goes on. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#expanding += 1;
    try {
      return await work();
    } finally {
      this.#expanding -= 1;
    }
  }

  #beat(): void {
    const delay = this.#delay;
    const lateMs = !delay || delay.count === 0 ? 0 : delay.max / 1e6 - RESOLUTION_MS;
    delay?.reset();
    this.#toldAt = this.#clock.elapsed();
    this.#tell({
      expanding: this.#expanding,
      usersScored: this.#usersScored,
      residentBytes: process.memoryUsage.rss(),
      loopLagSeconds: Math.max(0, lateMs) / 1000,
      users: this.#users,
    });
    this.#usersScored = 0;
  }
}
