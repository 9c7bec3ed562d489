/**
 * Keeps an engine process running beside the API process: starts it, kills it if it hangs, and restarts it if it dies.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { EstimateInputs } from '../domain/estimates.ts';
import type { CampaignStore } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { endChild } from '../lib/end-child.ts';
import { entryBeside } from '../lib/entry.ts';
import { AppError, type ErrorCode, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { restoreError } from '../lib/threads/thread-error.ts';
import { EngineRequests } from './engine-requests.ts';
import type { EndedEngine, EngineState } from './engine-state.ts';
import { EngineWatch } from './engine-watch.ts';
import type { EstimateOutcome } from './expansion/estimator.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { CheckedModel, CheckModelTask, EngineConfig, EngineServed, FromEngine, ToEngine } from './messages.ts';

export type { EngineHeartbeat, EngineState } from './engine-state.ts';

/** `--max-semi-space-size`: few objects outlive a batch, so less than Node's 16 suffices. */
const YOUNG_MIB = 2;

/**
 * `--heap-growing-percent`: how much a thread may add to its heap of 40 MB until all its garbage is collected. Buffers
 * count too: an expansion of four million users took eleven collections with the percentage that V8 chooses or 30, and
 * three with 150, which took 5 to 7 % more memory at rest than V8's choice had before; 70 took 3 %.
 */
const GROWTH_PERCENT = 100;

/** The delay before the first restart, which doubles with each further restart up to `LONGEST_RESTART_DELAY_MS`. */
const RESTART_DELAY_MS = 250;
const LONGEST_RESTART_DELAY_MS = 10_000;
/** Maximum time that an engine may take to stop. */
const STOP_MS = 5000;
/** Maximum number of engines that are started in a row if none of them becomes ready. */
const STARTS = 3;
/** Maximum time that the round trip to the engine may add to an estimate. */
const IPC_MS = 100;

/** The part of the configuration that does not depend on the served versions. */
export type SupervisedConfig = Omit<EngineConfig, 'ownerId' | 'served'>;

/** Starts the process of an engine, which waits for its configuration. */
export function forkEngine(): ChildProcess {
  return fork(entryBeside(import.meta.url, 'engine-process'), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced', // typed arrays
    // glibc has eight arenas per processor by default, each of which keeps memory that its threads have freed
    env: { MALLOC_ARENA_MAX: `${availableParallelism()}`, ...process.env },
    execArgv: [`--max-semi-space-size=${YOUNG_MIB}`, `--heap-growing-percent=${GROWTH_PERCENT}`],
  });
}

export class EngineSupervisor {
  #config: SupervisedConfig;
  readonly #served: () => EngineServed;
  readonly #store: CampaignStore;
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** A process of `forkEngine` for the first engine; null if there is none, or once it is used. */
  #forked: ChildProcess | null;
  #child: ChildProcess | null = null;
  #state = { ready: false, detail: 'starting', restarts: 0, hung: 0, lastEnd: null as string | null };
  readonly #watch: EngineWatch;
  #heartbeat: { readonly last: Heartbeat; readonly pid: number; readonly at: number } | null = null;
  #usersScored = 0;
  /** Number of engines that have died since an engine was last ready. */
  #deaths = 0;
  /** Why the current engine was killed; null if it was not killed. */
  #hung: string | null = null;
  /** The waiting caller of `start`, until an engine is ready. */
  #starting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  #stopping = false;
  /** Resolves when what an ended engine left is released. */
  #ending: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  readonly #estimates = new EngineRequests<EstimateOutcome>();
  readonly #checks = new EngineRequests<CheckedModel>();
  #onExpanded: (timings: Timings) => void = () => {};

  /** `served` returns the served versions; it is called by `serve` and at each start of an engine. */
  constructor(
    config: SupervisedConfig,
    served: () => EngineServed,
    store: CampaignStore,
    logger: Logger,
    clock: Pick<Clock, 'elapsed'> = systemClock,
    forked: ChildProcess | null = null,
  ) {
    this.#forked = forked;
    this.#clock = clock;
    this.#config = config;
    this.#served = served;
    this.#store = store;
    this.#logger = logger;
    this.#watch = new EngineWatch({ clock, onHung: (reason) => this.#killHung(reason) });
  }

  get state(): EngineState {
    const usersScored = this.#usersScored;
    if (this.#heartbeat === null || !this.#state.ready) return { ...this.#state, heartbeat: null, usersScored };
    const { pid, at } = this.#heartbeat;
    const { usersScored: _, users: __, ...last } = this.#heartbeat.last;
    const { threads } = this.#config;
    return {
      ...this.#state,
      heartbeat: { ...last, pid, threads, ageMs: Math.max(0, this.#clock.elapsed() - at) },
      usersScored,
    };
  }

  /**
   * Starts the engine, possibly again after a `stop`. Resolves when an engine is ready, and never if `stop` comes
   * first. Rejects with the engine's error if the engine refuses to start (a bad model, no CUDA) or if three engines in
   * a row die before they are ready.
   */
  start(): Promise<void> {
    this.#stopping = false;
    this.#deaths = 0;
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#spawn();
    });
  }

  /** Sets the only listener, which is called with the timings of each expansion that becomes ready. */
  onExpanded(listener: (timings: Timings) => void): void {
    this.#onExpanded = listener;
  }

  /** Notifies the engine of new work. */
  wake(): void {
    this.#send({ kind: 'wake' });
  }

  /** Sends a new offset of the service's clock to the engine. */
  useClock(offsetMs: number): void {
    this.#config = { ...this.#config, clockOffsetMs: offsetMs };
    this.#send({ kind: 'clock', offsetMs });
  }

  /**
   * Notifies the engine that the store's reserve exists. From then on, expansions wait while the reserve is missing.
   */
  expectReserve(): void {
    if (this.#config.reserveExpected) return;
    this.#config = { ...this.#config, reserveExpected: true };
    this.#send({ kind: 'reserve_expected' });
  }

  /** Sends the checked served versions to the engine. Running expansions finish with the versions they began with. */
  serve(): void {
    this.#send({ kind: 'serve', served: this.#served() });
  }

  /**
   * Has the engine load another model and compare it with the served model. The model stays loaded until it is served
   * or dropped (`dropModel`).
   * @throws the error with which the engine refuses the model; AppError unavailable if no engine is ready, or if the
   * engine dies during the check
   */
  checkModel(task: CheckModelTask): Promise<CheckedModel> {
    if (!this.#state.ready || !this.#child?.connected)
      return Promise.reject(new AppError('unavailable', `the engine is not ready: ${this.#state.detail}`));
    return this.#checks.ask((id) => this.#send({ kind: 'check_model', id, task }));
  }

  /** Has the engine unload a model that `checkModel` loaded. */
  dropModel(version: string): void {
    this.#send({ kind: 'drop_model', version });
  }

  /**
   * Asks the engine's estimator for the expected quality of an audience, within `timeMs`. Returns `loading` if no
   * engine is ready, or if the engine dies.
   * @throws AppError invalid_model, model_unavailable, invalid_population
   */
  estimate(task: EstimateInputs, timeMs: number): Promise<EstimateOutcome> {
    if (!this.#state.ready || !this.#child?.connected) return Promise.resolve({ kind: 'loading' });
    // the engine enforces the time limit; this timer covers an engine that does not answer at all
    const late = { afterMs: timeMs + IPC_MS, answer: { kind: 'late', users: null } } as const;
    return this.#estimates.ask((id) => this.#send({ kind: 'estimate', id, task, timeMs }), late);
  }

  /** Stops the engine from claiming jobs and from being restarted. Call `stop` afterwards. */
  drain(): void {
    this.#stopping = true;
    this.#send({ kind: 'drain' });
  }

  /** Ends the engine. Running jobs go back to the queue, and their attempts do not count. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer) clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const ask = () => {
      this.#send({ kind: 'stop' });
      this.#logger.info({ pid: child.pid }, 'the engine was told to stop');
    };
    await endChild(child, ask, STOP_MS);
    await this.#ending; // its jobs are released before the store may be closed
  }

  #spawn(): void {
    const child = this.#forked?.connected ? this.#forked : forkEngine();
    this.#forked = null;
    const owner = `${child.pid}:${randomUUID()}`;
    this.#child = child;
    this.#store.cluster?.holdOwner(owner);
    this.#hung = null;
    if (child.pid !== undefined) this.#watch.follow(child.pid);
    let refusal: AppError | null = null;
    let working: readonly string[] = [];
    child.on('message', (message: FromEngine) => {
      // the last messages of an engine may arrive after the next engine has started
      if (child === this.#child) this.#watch.sign(message.kind === 'heartbeat' ? message.heartbeat.users : undefined);
      if (message.kind === 'ready') this.#ready(child, message.device);
      else if (message.kind === 'refused') refusal = new AppError(message.code as ErrorCode, message.message);
      else if (message.kind === 'heartbeat') this.#beat(child, message.heartbeat);
      else if (message.kind === 'working') working = message.on;
      else if (message.kind === 'expanded') this.#onExpanded(message.timings);
      else if (message.kind === 'estimated') this.#estimates.resolve(message.id, message.outcome);
      else if (message.kind === 'not_estimated') this.#estimates.reject(message.id, restoreError(message.error));
      else if (message.kind === 'model_checked') this.#checks.resolve(message.id, message.check);
      else this.#checks.reject(message.id, restoreError(message.error));
    });
    child.on('exit', (code, signal) => {
      const how = this.#hung ?? `the engine ended (${signal ?? `code ${code}`})`;
      // read the last messages before the channel is closed
      const told = child.connected ? once(child, 'disconnect') : Promise.resolve();
      this.#ending = told.then(() => this.#ended({ owner, working }, refusal, how));
    });
    child.on('error', (error) => {
      // all errors except a failed spawn are followed by an exit event
      if (child.pid !== undefined) return;
      void this.#ended({ owner, working }, refusal, `no engine could be started: ${messageOf(error)}`);
    });
    this.#send({ kind: 'start', config: { ...this.#config, served: this.#served(), ownerId: owner } });
    this.#config = { ...this.#config, isVerified: false };
  }

  /** Kills an engine that hangs. Its jobs are released once it has ended, like the jobs of any engine. */
  #killHung(reason: string): void {
    const pid = this.#child?.pid;
    this.#logger.error({ pid, reason }, 'the engine hangs and is being killed');
    this.#state = { ...this.#state, hung: this.#state.hung + 1 };
    this.#hung = reason;
    this.#child?.kill('SIGKILL');
  }

  #ready(child: ChildProcess, device: string): void {
    this.#state = { ...this.#state, ready: true, detail: device };
    this.#deaths = 0;
    this.#logger.info({ device, pid: child.pid }, 'engine ready');
    this.#starting?.resolve();
    this.#starting = null;
  }

  #beat(child: ChildProcess, last: Heartbeat): void {
    this.#heartbeat = { last, pid: child.pid ?? 0, at: this.#clock.elapsed() };
    this.#usersScored += last.usersScored;
  }

  async #ended(engine: EndedEngine, refusal: AppError | null, how: string): Promise<void> {
    this.#child = null;
    this.#heartbeat = null;
    this.#watch.end();
    this.#estimates.resolveAll({ kind: 'loading' });
    this.#checks.rejectAll(new AppError('unavailable', `${how} during the check of a model`));
    await this.#release(engine);
    if (this.#stopping) {
      this.#state = { ...this.#state, ready: false, detail: 'stopped' };
      return;
    }
    const detail = refusal?.message ?? how;
    this.#state = { ...this.#state, ready: false, detail, restarts: this.#state.restarts + 1, lastEnd: detail };
    this.#deaths += 1;
    if (this.#starting && (refusal || this.#deaths >= STARTS)) {
      this.#starting.reject(refusal ?? new AppError('unavailable', `${detail}, ${STARTS} times in a row: see the log`));
      this.#starting = null;
      return;
    }
    const delay = Math.min(RESTART_DELAY_MS * 2 ** (this.#deaths - 1), LONGEST_RESTART_DELAY_MS);
    this.#logger.error({ delay_ms: delay, reason: detail }, 'the engine died and will be restarted');
    this.#timer = setTimeout(() => this.#spawn(), delay);
  }

  /** Releases the jobs of an ended engine immediately, without waiting for its leases to expire. */
  async #release({ owner, working }: EndedEngine): Promise<void> {
    try {
      const jobs = await this.#store.releaseOwner(owner, this.#stopping ? 'stopped' : 'died', new Set(working));
      if (jobs > 0) this.#logger.warn({ jobs }, 'jobs of the ended engine are back in the queue');
    } catch (error) {
      this.#logger.error({ err: error }, 'the leases of the ended engine could not be released; they will expire');
    }
  }

  #send(message: ToEngine): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }
}
