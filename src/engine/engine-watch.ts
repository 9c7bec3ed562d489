/** Detects an engine that hangs, which means that it sends no message for longer than its work can explain. */
import type { Clock } from '../lib/clock.ts';
import { LOOK_EVERY_MS, Silence } from '../lib/threads/silence.ts';
import { readThreadTimes, type ThreadTimes } from '../lib/threads/thread-times.ts';

/** Maximum time that an engine may be stopped (by SIGSTOP or a debugger). */
const STOPPED_MS = 10_000;
/** Maximum silence after an engine's first message if the engine neither runs nor waits for a processor or a disk. */
const IDLE_MS = 15_000;
/**
 * Maximum silence of an engine while it works. The event loop is blocked for at most 1.4 s at a time with 10 million
 * users (README.md).
 */
const WORK_MS = 20_000;
/**
 * Maximum silence while the engine works, per user of the population: twice the longest block of the event loop, that
 * is, 28 s for 100 million users. This limit applies above 70 million users, because it then exceeds `WORK_MS`.
 */
const WORK_MS_PER_USER = 0.00028;
/** Maximum silence before an engine's first message, while the engine loads its program. */
const START_MS = 120_000;
/** Maximum silence if the operating system does not report how long the engine waited for a processor. */
const UNTOLD_MS = 120_000;

export interface WatchOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Called at most once per engine, with the reason why the engine counts as hung. */
  readonly onHung: (reason: string) => void;
  readonly read?: (pid: number) => ThreadTimes | null;
}

export class EngineWatch {
  readonly #options: WatchOptions;
  #silence: Silence | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStarting = true;
  #users = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Watches the engine with this process id, instead of any earlier engine. */
  follow(pid: number): void {
    this.end();
    const { clock, read = readThreadTimes } = this.#options;
    this.#silence = new Silence(clock.elapsed(), () => read(pid));
    this.#isStarting = true;
    this.#users = 0;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /**
   * Records that the engine sent a message. Its population has `users` users; with more users, longer silences are
   * allowed.
   */
  sign(users = this.#users): void {
    this.#users = users;
    this.#isStarting = false;
    this.#silence?.sign();
  }

  end(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#silence = null;
  }

  /** Checks the engine once. A timer calls this method every second. */
  look(): void {
    if (this.#silence === null) return;
    this.#silence.look(this.#options.clock.elapsed());
    const reason = this.#findReason(this.#silence);
    if (reason === null) return;
    this.end();
    this.#options.onHung(reason);
  }

  #findReason({ silentMs, idleMs, stoppedMs, isTold }: Silence): string | null {
    if (stoppedMs >= STOPPED_MS) return `the engine has been stopped for ${STOPPED_MS / 1000} s`;
    if (idleMs >= IDLE_MS && !this.#isStarting)
      return `the engine has done no work and sent no message for ${IDLE_MS / 1000} s`;
    const working = this.#isStarting ? START_MS : Math.max(WORK_MS, WORK_MS_PER_USER * this.#users);
    const mostMs = isTold ? working : Math.max(UNTOLD_MS, working);
    return silentMs < mostMs ? null : `the engine has sent no message for ${Math.round(mostMs / 1000)} s`;
  }
}
