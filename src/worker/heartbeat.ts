/** What an engine tells of itself every second, for as long as its event loop turns. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Of the engine, since the heartbeat before where it is a sum. */
export interface Heartbeat {
  /** Expansions that it works at. */
  readonly expanding: number;
  readonly usersScored: number;
  readonly residentBytes: number;
  /** The longest that the event loop was late by. */
  readonly loopLagSeconds: number;
}

const EVERY_MS = 1_000;
/** How often the event loop's delay is measured; what it adds to every delay. */
const RESOLUTION_MS = 20;

/** Counts what the engine does, and tells it. */
export class Pulse {
  #expanding = 0;
  #usersScored = 0;

  /** Tells for the first time at once. The timer keeps no process alive. */
  start(tell: (heartbeat: Heartbeat) => void): void {
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    const beat = () => {
      const lateMs = delay.count === 0 ? 0 : delay.max / 1e6 - RESOLUTION_MS;
      delay.reset();
      tell({
        expanding: this.#expanding,
        usersScored: this.#usersScored,
        residentBytes: process.memoryUsage.rss(),
        loopLagSeconds: Math.max(0, lateMs) / 1000,
      });
      this.#usersScored = 0;
    };
    beat();
    setInterval(beat, EVERY_MS).unref();
  }

  scored(users: number): void {
    this.#usersScored += users;
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
}
