/** Detects an engine that hangs: one that sends no message for longer than its work can explain. */
import type { Clock } from '../lib/clock.ts';
import { LOOK_EVERY_MS, Silence } from '../lib/threads/silence.ts';
import { readThreadTimes, type ThreadTimes } from '../lib/threads/thread-times.ts';

/** How long an engine may be stopped (SIGSTOP, a debugger). */
const STOPPED_MS = 10_000;
/** How long it may be silent after its first message without running or waiting for a processor or a disk. */
const IDLE_MS = 15_000;
/** How long one piece of work may block its event loop: for 10 million users, the longest takes 1.4 s (README.md). */
const WORK_MS = 20_000;
/** Twice that, per user: it exceeds `WORK_MS` only above 70 million users, and is 28 s for 100 million. */
const WORK_MS_PER_USER = 0.00028;
/** The same before its first message, while it loads its program. */
const START_MS = 120_000;
/** The same if the system does not report how long the engine waited for a processor. */
const UNTOLD_MS = 120_000;

export interface WatchOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Called at most once per engine, with the reason. */
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

  /** Watches this engine instead of any earlier one. */
  follow(pid: number): void {
    this.end();
    const { clock, read = readThreadTimes } = this.#options;
    this.#silence = new Silence(clock.elapsed(), () => read(pid));
    this.#isStarting = true;
    this.#users = 0;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Records a message of the engine, whose population has `users` users: more users mean longer work. */
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

  /** Checks the engine once; a timer does so every second. */
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
      return `the engine has given no sign for ${IDLE_MS / 1000} s, nor worked`;
    const working = this.#isStarting ? START_MS : Math.max(WORK_MS, WORK_MS_PER_USER * this.#users);
    const mostMs = isTold ? working : Math.max(UNTOLD_MS, working);
    return silentMs < mostMs ? null : `the engine has given no sign for ${Math.round(mostMs / 1000)} s`;
  }
}
