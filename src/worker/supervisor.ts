/** Keeps an engine process alive beside the API process: starts it, hears from it, and starts it again when it dies. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { CampaignStore } from '../campaigns/store.ts';
import { forkBeside } from '../lib/entry.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import type { EngineConfig, FromEngine, ToEngine } from './messages.ts';

/** The first restart comes after this, then doubling up to the second. */
const RESTART_DELAY_MS = 250;
const LONGEST_RESTART_DELAY_MS = 10_000;
/** How long a stopping engine may take. */
const STOP_MS = 5000;

export interface EngineState {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
}

export class EngineSupervisor {
  readonly #config: Omit<EngineConfig, 'ownerId'>;
  readonly #store: CampaignStore;
  readonly #logger: Logger;
  #child: ChildProcess | null = null;
  #state: EngineState = { ready: false, detail: 'starting', restarts: 0 };
  #failures = 0;
  #stopping = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(config: Omit<EngineConfig, 'ownerId'>, store: CampaignStore, logger: Logger) {
    this.#config = config;
    this.#store = store;
    this.#logger = logger;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Starts the first engine; resolves when it is ready. What it refuses (a bad model, no CUDA) is thrown. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => this.#spawn({ resolve, reject }));
  }

  /** Tells the engine that there is work. */
  wake(): void {
    this.#send({ kind: 'wake' });
  }

  /** Ends the engine; a job at work goes back to the queue. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer) clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#send({ kind: 'stop' });
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #spawn(first?: { resolve: () => void; reject: (error: unknown) => void }): void {
    const child = forkBeside(import.meta.url, 'engine', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const owner = `${child.pid}:${randomUUID()}`;
    this.#child = child;
    let refusal: AppError | null = null;
    child.on('message', (message: FromEngine) => {
      if (message.kind === 'ready') {
        this.#state = { ...this.#state, ready: true, detail: message.device };
        this.#failures = 0;
        this.#logger.info({ device: message.device, pid: child.pid }, 'engine ready');
        first?.resolve();
      } else refusal = new AppError(message.code as ErrorCode, message.message);
    });
    child.on('exit', (code, signal) => {
      this.#child = null;
      this.#release(owner);
      if (this.#stopping) return;
      const detail = refusal?.message ?? `the engine ended (${signal ?? `code ${code}`})`;
      const wasReady = this.#state.ready;
      this.#state = { ready: false, detail, restarts: this.#state.restarts + 1 };
      if (first && !wasReady && this.#state.restarts === 1) {
        first.reject(refusal ?? new Error(detail));
        return;
      }
      const delay = Math.min(RESTART_DELAY_MS * 2 ** this.#failures++, LONGEST_RESTART_DELAY_MS);
      this.#logger.error({ code, signal, delay_ms: delay, reason: detail }, 'engine died, and is started again');
      this.#timer = setTimeout(() => this.#spawn(), delay);
    });
    this.#send({ kind: 'start', config: { ...this.#config, ownerId: owner } });
  }

  /** The dead engine's jobs are given back at once, without waiting for their leases. */
  #release(owner: string): void {
    try {
      const jobs = this.#store.releaseOwner(owner);
      if (jobs > 0) this.#logger.warn({ jobs }, 'jobs of the ended engine are back in the queue');
    } catch (error) {
      this.#logger.error({ err: error }, 'leases could not be released: they run out');
    }
  }

  #send(message: ToEngine): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }
}
