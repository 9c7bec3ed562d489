/**
 * The engine process: opens model and population, claims jobs and expands them until it is told to stop, its parent is
 * gone or a thread dies.
 */
import type { Timings } from '../campaigns/run-facts.ts';
import type { Job } from '../campaigns/types.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logging.ts';
import { describeError } from '../lib/thread-error.ts';
import { ThreadDied } from '../lib/thread-group.ts';
import type { Telemetry, Tracer } from '../lib/tracing.ts';
import { readModelFolder } from '../model/folder.ts';
import { bind } from '../online/binding.ts';
import { openPopulation, type Population } from '../population/population.ts';
import { parseDevice, resolveDevice } from '../runtime/session.ts';
import { openStore } from '../store/open-store.ts';
import { AttemptWatch } from './attempt-watch.ts';
import { Estimator } from './estimator.ts';
import { type ExpandDependencies, expand } from './expand.ts';
import { Pulse } from './heartbeat.ts';
import type { EngineConfig, FromEngine, ToEngine } from './messages.ts';
import { ThreadPool } from './pool.ts';
import { lowerPriority } from './priority.ts';

/** How often the queue is polled when nobody wakes the engine. */
const POLL_MS = 500;
/** How long the engine waits after an error of the store itself (a full disk). */
const STORE_ERROR_DELAY_MS = 1000;
/** How long an ending engine waits for its log and its last message to the parent to be sent. */
const LAST_WORDS_MS = 50;
/**
 * How long after it is ready the engine loads its model once more, for estimates, which are rarely the first thing
 * needed after a start.
 */
const WARM_AFTER_MS = 3_000;
/** Each holds the scores of all users, 5 bytes a user with their roles; more would share a pass with more others. */
const JOBS_PER_THREAD = 4;

/** Whom it tells what it does. */
interface EngineTellers {
  readonly onExpanded: (timings: Timings) => void;
  readonly pulse: Pulse;
  readonly tracer: Tracer | null;
}

class Engine {
  readonly #config: EngineConfig;
  #dependencies: ExpandDependencies;
  readonly #logger: Logger;
  readonly #tell: EngineTellers;
  #wake: () => void = () => {};
  /** Jobs that run and were tried before. */
  #retries = 0;
  #sleeping: Promise<void> = Promise.resolve();

  constructor(config: EngineConfig, dependencies: ExpandDependencies, logger: Logger, tell: EngineTellers) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#logger = logger;
    this.#tell = tell;
  }

  wake(): void {
    this.#wake();
  }

  /** Expansions whose first attempt begins from now on pin this version. */
  usePopulation(version: string): void {
    this.#dependencies = { ...this.#dependencies, populationVersion: version };
  }

  /**
   * Runs several jobs a thread at a time: one adapts while another's segments are scored, and those whose segments wait
   * together share a pass over the population. While one is tried again, there are as many as threads: a job that ends
   * the engine takes an attempt of all that run beside it. Ends only by throwing ThreadDied.
   */
  async run(): Promise<never> {
    this.#sleep();
    const workers = Array.from({ length: JOBS_PER_THREAD * this.#config.threads }, (_, i) =>
      this.#work(i >= this.#config.threads),
    );
    return Promise.race([this.#dependencies.pool.broken, ...workers]);
  }

  async #work(isExtra: boolean): Promise<never> {
    for (;;) {
      try {
        const isHeld = isExtra && this.#retries > 0;
        const job = isHeld ? null : this.#dependencies.store.claim(this.#config.ownerId);
        if (job) await this.#expand(job);
        else await this.#sleeping;
      } catch (error) {
        if (error instanceof ThreadDied) throw error;
        this.#logger.error({ err: error }, 'no job could be claimed or worked at');
        await new Promise((resolve) => setTimeout(resolve, STORE_ERROR_DELAY_MS));
      }
    }
  }

  async #expand(job: Job): Promise<void> {
    const { pulse, tracer, onExpanded } = this.#tell;
    const { clock } = this.#dependencies;
    const watch = new AttemptWatch(job, {
      ...{ logger: this.#logger, tracer, clock },
      onScored: (users) => pulse.scored(users),
    });
    const renewal = setInterval(() => {
      try {
        this.#dependencies.store.renew(job);
      } catch (error) {
        watch.leaseNotRenewed(error);
      }
    }, this.#config.leaseMs / 3);
    const isRetry = job.attempt > 1;
    if (isRetry) this.#retries += 1;
    try {
      const outcome = await pulse.during(() => expand(this.#dependencies, watch.job, watch));
      if (outcome.timings !== undefined) onExpanded(outcome.timings);
      watch.ended(outcome);
    } catch (error) {
      watch.broke();
      throw error;
    } finally {
      clearInterval(renewal);
      if (isRetry) this.#retries -= 1;
    }
  }

  /** All idle workers wait for the same event: the next poll, or a call. */
  #sleep(): void {
    this.#sleeping = new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        this.#sleep();
        resolve();
      };
    });
  }
}

async function startEngine(
  config: EngineConfig,
  clock: Clock,
  { logger, tracer, send }: { logger: Logger; tracer: Tracer | null; send: (message: FromEngine) => void },
): Promise<{ engine: Engine; device: string }> {
  const device = await resolveDevice(parseDevice(config.device));
  const named = device.kind === 'cpu' ? 'cpu' : `cuda:${device.id}`;
  // The threads load and verify the model while this one verifies the population.
  const opening = ThreadPool.open(config.threads, {
    model: config.model,
    population: config.population,
    device: named,
  });
  opening.catch(() => {}); // awaited below, unless this thread throws first
  const model = readModelFolder(config.model);
  const { version } = model.manifest;
  if (version !== config.modelVersion) {
    const message =
      `the model folder ${config.model} now contains version ${version}, but ${config.modelVersion} is served: ` +
      'restart the service';
    throw new AppError('invalid_model', message);
  }
  const populations = new Map<string, Population>();
  const open = (version: string): Population => {
    let population = populations.get(version);
    if (!population) {
      population = openPopulation(config.population, { version });
      bind(model, population);
      populations.clear(); // normally the served version and at most one that a retry has pinned take turns
      populations.set(version, population);
    }
    return population;
  };
  open(config.populationVersion);
  const { minimumSeeds, leaseMs, maximumAttempts } = config;
  const store = openStore(config.store, { clock, minimumSeeds, leaseMs, maximumAttempts });
  const pool = await opening;
  const dependencies: ExpandDependencies = {
    store,
    pool,
    modelVersion: model.manifest.version,
    populationVersion: config.populationVersion,
    openPopulation: open,
    minimumSeeds,
    clock,
    onStoreError: (error) => logger.error({ err: error }, 'the end of an attempt cannot be written yet'),
  };
  const pulse = new Pulse();
  const onExpanded = (timings: Timings) => send({ kind: 'expanded', timings });
  const engine = new Engine(config, dependencies, logger, { onExpanded, pulse, tracer });
  pulse.start((heartbeat) => send({ kind: 'heartbeat', heartbeat }));
  return { engine, device: device.detail };
}

async function openTelemetryOf(endpoint: string, logger: Logger): Promise<Telemetry> {
  const { openTelemetry } = await import('../telemetry/open.ts');
  return openTelemetry({ endpoint, process: 'engine', clock: systemClock, logger });
}

/** Makes estimates in a separate thread, so that none waits for expansions. */
function openEstimator(
  { store, model, modelVersion, population, populationVersion }: EngineConfig,
  logger: Logger,
): Estimator {
  const estimator = new Estimator({ model, modelVersion, population, populationVersion, store });
  setTimeout(
    () => estimator.warm().catch((error: unknown) => logger.error({ err: error }, 'no estimates can be made')),
    WARM_AFTER_MS,
  ).unref();
  return estimator;
}

/**
 * Ends the process once its last messages are sent, and not by `process.exit`: ONNX Runtime aborts, with a message on
 * stderr, if that tears down a thread's environment during a run. The data on disk is consistent at any moment, as it
 * must be for kill -9.
 */
function end(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
}

/**
 * Runs as a child process: `start` comes over IPC; it ends on `stop` and when the parent is gone. It ends at once,
 * whatever it is doing: a quick stop is worth more than an attempt's progress, and the parent releases the jobs.
 */
function main(): void {
  const send = (message: FromEngine) => void process.send?.(message);
  let engine: Engine | null = null;
  let wanted: string | null = null;
  let telemetry: Telemetry | null = null;
  let served: { readonly config: EngineConfig; readonly logger: Logger; readonly estimator: Estimator } | null = null;
  // Ctrl-C and a supervisor's SIGTERM reach the whole process group: the parent decides when to stop.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', end);
  process.on('message', (message: ToEngine) => {
    if (message.kind === 'wake') engine?.wake();
    else if (message.kind === 'population') usePopulation(message.version);
    else if (message.kind === 'stop') {
      void telemetry?.close();
      end();
    } else if (message.kind === 'estimate') void estimate(message);
    else void begin(message.config);
  });
  /** A version that cannot be opened fails the attempts that pin it, not the engine. */
  function usePopulation(version: string): void {
    wanted = version;
    if (!served || !engine || served.config.populationVersion === version) return;
    engine.usePopulation(version);
    const before = served;
    const config = { ...before.config, populationVersion: version };
    served = { ...before, config, estimator: openEstimator(config, before.logger) };
    void before.estimator.close();
  }
  async function estimate({ id, task, timeMs }: Extract<ToEngine, { kind: 'estimate' }>): Promise<void> {
    try {
      // rows of one version are none of another
      const isServed = served?.config.populationVersion === task.populationVersion;
      const outcome =
        served && isServed ? await served.estimator.estimate(task, timeMs) : ({ kind: 'loading' } as const);
      send({ kind: 'estimated', id, outcome });
    } catch (error) {
      send({ kind: 'not_estimated', id, error: describeError(error) });
    }
  }
  async function begin(config: EngineConfig): Promise<void> {
    const logger = createLogger(config.logLevel, 'engine');
    try {
      lowerPriority();
    } catch (error) {
      logger.debug({ err: error }, 'the priority could not be lowered');
    }
    try {
      if (config.otlpEndpoint !== null) telemetry = await openTelemetryOf(config.otlpEndpoint, logger);
      const started = await startEngine(config, systemClock, { logger, tracer: telemetry, send });
      engine = started.engine;
      served = { config, logger, estimator: openEstimator(config, logger) };
      // it may have been named while the model was loaded
      usePopulation(wanted ?? config.populationVersion);
      send({ kind: 'ready', device: started.device });
      await engine.run();
    } catch (error) {
      send({ kind: 'refused', code: error instanceof AppError ? error.code : 'internal', message: messageOf(error) });
      logger.fatal({ err: error }, 'the engine ends');
      end();
    }
  }
}

main();
