/** Keeps an engine process alive beside the API process: starts it, hears from it, and starts it again when it dies. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { CampaignStore } from '../campaigns/ports/store.ts';
import { forkBeside } from '../lib/entry.ts';
import { AppError, type ErrorCode, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { restoreError } from '../lib/thread-error.ts';
import type { EstimateOutcome, EstimateRequest } from './estimator.ts';
import type { EngineConfig, FromEngine, ToEngine } from './messages.ts';

/** The first restart comes after this, then doubling up to the second. */
const RESTART_DELAY_MS = 250;
const LONGEST_RESTART_DELAY_MS = 10_000;
/** How long a stopping engine may take. */
const STOP_MS = 5000;
/** An engine that dies this often before it was ever ready will not be ready. */
const STARTS = 3;

/** What the way to the engine and back may add to the time of an estimate. */
const IPC_MS = 100;

interface WaitingEstimate {
  readonly resolve: (outcome: EstimateOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

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
  /** Deaths since an engine was ready. */
  #deaths = 0;
  /** Who waits for the first engine. */
  #starting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  #stopping = false;
  #timer: NodeJS.Timeout | null = null;
  /** Who waits for an estimate. */
  readonly #estimates = new Map<number, WaitingEstimate>();
  #lastEstimate = 0;

  constructor(config: Omit<EngineConfig, 'ownerId'>, store: CampaignStore, logger: Logger) {
    this.#config = config;
    this.#store = store;
    this.#logger = logger;
  }

  get state(): EngineState {
    return this.#state;
  }

  /**
   * Starts the first engine; resolves when one is ready, which never happens after `stop`. What it refuses (a bad
   * model, no CUDA) is thrown, and the error of the last one where three in a row died before that.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#spawn();
    });
  }

  /** Tells the engine that there is work. */
  wake(): void {
    this.#send({ kind: 'wake' });
  }

  /**
   * What an audience of some seeds would be worth, within `timeMs`: the engine's estimator says it. `loading` where no
   * engine is ready, or it dies.
   * @throws AppError invalid_model, model_unavailable, invalid_population
   */
  estimate(task: EstimateRequest, timeMs: number): Promise<EstimateOutcome> {
    if (!this.#state.ready || !this.#child?.connected) return Promise.resolve({ kind: 'loading' });
    const id = ++this.#lastEstimate;
    return new Promise((resolve, reject) => {
      // the engine keeps the time; one that does not even say so is late
      const timer = setTimeout(
        () => this.#answer(id, ({ resolve }) => resolve({ kind: 'late', users: null })),
        timeMs + IPC_MS,
      );
      this.#estimates.set(id, { resolve, reject, timer });
      this.#send({ kind: 'estimate', id, task, timeMs });
    });
  }

  /** Ends the engine; a job at work goes back to the queue, and the attempt does not count. */
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

  #spawn(): void {
    const child = forkBeside(import.meta.url, 'engine', {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced', // typed arrays
    });
    const owner = `${child.pid}:${randomUUID()}`;
    this.#child = child;
    let refusal: AppError | null = null;
    child.on('message', (message: FromEngine) => {
      if (message.kind === 'ready') this.#ready(child, message.device);
      else if (message.kind === 'refused') refusal = new AppError(message.code as ErrorCode, message.message);
      else if (message.kind === 'estimated') this.#answer(message.id, ({ resolve }) => resolve(message.outcome));
      else this.#answer(message.id, ({ reject }) => reject(restoreError(message.error)));
    });
    child.on('exit', (code, signal) => this.#ended(owner, refusal, `the engine ended (${signal ?? `code ${code}`})`));
    child.on('error', (error) => {
      // A process that could not be made has no exit; other errors are followed by one.
      if (child.pid === undefined) this.#ended(owner, refusal, `no engine could be started: ${messageOf(error)}`);
    });
    this.#send({ kind: 'start', config: { ...this.#config, ownerId: owner } });
  }

  #ready(child: ChildProcess, device: string): void {
    this.#state = { ...this.#state, ready: true, detail: device };
    this.#deaths = 0;
    this.#logger.info({ device, pid: child.pid }, 'engine ready');
    this.#starting?.resolve();
    this.#starting = null;
  }

  #answer(id: number, how: (waiting: WaitingEstimate) => void): void {
    const waiting = this.#estimates.get(id);
    if (waiting === undefined) return;
    this.#estimates.delete(id);
    clearTimeout(waiting.timer);
    how(waiting);
  }

  #ended(owner: string, refusal: AppError | null, how: string): void {
    this.#child = null;
    for (const id of [...this.#estimates.keys()]) this.#answer(id, ({ resolve }) => resolve({ kind: 'loading' }));
    this.#release(owner);
    if (this.#stopping) return;
    const detail = refusal?.message ?? how;
    this.#state = { ready: false, detail, restarts: this.#state.restarts + 1 };
    this.#deaths += 1;
    if (this.#starting && (refusal || this.#deaths >= STARTS)) {
      this.#starting.reject(refusal ?? new AppError('unavailable', `${detail}, ${STARTS} times in a row: see the log`));
      this.#starting = null;
      return;
    }
    const delay = Math.min(RESTART_DELAY_MS * 2 ** (this.#deaths - 1), LONGEST_RESTART_DELAY_MS);
    this.#logger.error({ delay_ms: delay, reason: detail }, 'engine died, and is started again');
    this.#timer = setTimeout(() => this.#spawn(), delay);
  }

  /** The ended engine's jobs are given back at once, without waiting for their leases. */
  #release(owner: string): void {
    try {
      const jobs = this.#store.releaseOwner(owner, this.#stopping ? 'stopped' : 'died');
      if (jobs > 0) this.#logger.warn({ jobs }, 'jobs of the ended engine are back in the queue');
    } catch (error) {
      this.#logger.error({ err: error }, 'leases could not be released: they run out');
    }
  }

  #send(message: ToEngine): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }
}
