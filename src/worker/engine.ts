/**
 * The engine process: opens model and population, claims jobs and expands them until it is told to stop, its parent is
 * gone or a thread dies.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Timings } from '../campaigns/run-facts.ts';
import type { Job } from '../campaigns/types.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logging.ts';
import { describeError } from '../lib/thread-error.ts';
import { ThreadDied } from '../lib/thread-group.ts';
import { parseDevice, resolveDevice } from '../runtime/session.ts';
import { openStore } from '../store/open-store.ts';
import { checkModel } from './check-model.ts';
import { EngineModels, type LoadedModel } from './engine-models.ts';
import { Estimator } from './estimator.ts';
import { type ExpandDependencies, expand, type Outcome } from './expand.ts';
import type { CheckedModel, CheckModelTask, EngineConfig, FromEngine, ToEngine } from './messages.ts';

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
/** The engine's `nice` value: look-ups of the API process go first. */
const ENGINE_PRIORITY = 5;
/** Linux has a priority for each thread. */
const THREADS = '/proc/self/task';

/** Each holds the scores of all users, 5 bytes a user with their roles; more would share a pass with more others. */
const JOBS_PER_THREAD = 4;

/** What expansions with any model need. */
type EngineDependencies = Omit<ExpandDependencies, 'pool' | 'modelVersion' | 'openPopulation'> & {
  readonly models: EngineModels;
};

/** What the engine process serves by now. */
interface Served {
  readonly config: EngineConfig;
  readonly logger: Logger;
  readonly estimator: Estimator;
}

class Engine {
  readonly #config: EngineConfig;
  #dependencies: EngineDependencies;
  readonly #logger: Logger;
  readonly #onExpanded: (timings: Timings) => void;
  /** Models that stay loaded since they were checked. */
  readonly #checked = new Set<string>();
  #wake: () => void = () => {};
  /** Jobs that run and were tried before. */
  #retries = 0;
  #sleeping: Promise<void> = Promise.resolve();

  constructor(
    config: EngineConfig,
    dependencies: EngineDependencies,
    logger: Logger,
    onExpanded: (timings: Timings) => void,
  ) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#logger = logger;
    this.#onExpanded = onExpanded;
  }

  wake(): void {
    this.#wake();
  }

  /** Expansions whose first attempt begins from now on pin this version. */
  usePopulation(version: string): void {
    this.#dependencies = { ...this.#dependencies, populationVersion: version };
  }

  /** Expansions whose first attempt begins from now on pin this model; running ones end with theirs. */
  useModel(version: string, folder: string): void {
    this.#dependencies.models.use(version, folder);
    this.dropModel(version);
  }

  /** Loads a model beside the served one, and compares them. It stays loaded until it is used or dropped. */
  async checkModel(task: CheckModelTask): Promise<CheckedModel> {
    const check = await checkModel(task, this.#dependencies);
    if (this.#checked.has(task.version)) this.#dependencies.models.giveBack(task.version);
    this.#checked.add(task.version);
    return check;
  }

  /** Forgets a model that was checked. */
  dropModel(version: string): void {
    if (this.#checked.delete(version)) this.#dependencies.models.giveBack(version);
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
    return Promise.race([this.#dependencies.models.broken, ...workers]);
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
    const renewal = setInterval(() => {
      try {
        this.#dependencies.store.renew(job);
      } catch (error) {
        this.#logger.warn({ err: error, expansion: job.expansionId }, 'a lease could not be renewed');
      }
    }, this.#config.leaseMs / 3);
    const isRetry = job.attempt > 1;
    if (isRetry) this.#retries += 1;
    try {
      const { kind, reason, timings, error } = await this.#expandWithModel(job);
      if (timings !== undefined) this.#onExpanded(timings);
      this.#logger[error === undefined ? 'info' : 'error'](
        {
          campaign: job.campaignId,
          expansion: job.expansionId,
          attempt: job.attempt,
          outcome: kind,
          reason,
          ...(error !== undefined && { err: error }),
        },
        'expansion attempted',
      );
    } finally {
      clearInterval(renewal);
      if (isRetry) this.#retries -= 1;
    }
  }

  /** With the model that the first attempt pinned, or the served one. */
  async #expandWithModel(job: Job): Promise<Outcome> {
    const { models } = this.#dependencies;
    const { version, pool, openPopulation } = await this.#takeModel(job);
    try {
      return await expand({ ...this.#dependencies, pool, modelVersion: version, openPopulation }, job);
    } finally {
      models.giveBack(version);
    }
  }

  /** One that is gone, or damaged, is refused by the attempt: it gets the served one, which is not what is pinned. */
  async #takeModel({ pins, expansionId }: Job): Promise<LoadedModel> {
    const { models } = this.#dependencies;
    const pinned = pins?.modelVersion;
    if (pinned !== undefined && pinned !== models.currentVersion && models.has(pinned)) {
      try {
        return await models.take(pinned);
      } catch (error) {
        if (error instanceof ThreadDied) throw error;
        this.#logger.error({ err: error, expansion: expansionId, model: pinned }, 'a pinned model cannot be loaded');
      }
    }
    return models.take(models.currentVersion);
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
  logger: Logger,
  send: (message: FromEngine) => void,
): Promise<{ engine: Engine; device: string }> {
  const device = await resolveDevice(parseDevice(config.device));
  const models = new EngineModels(config, device.kind === 'cpu' ? 'cpu' : `cuda:${device.id}`);
  // The threads load and verify the model while this one verifies the population.
  const opening = models.take(config.modelVersion);
  opening.catch(() => {}); // awaited below, unless this thread throws first
  models.population(config.populationVersion);
  const { minimumSeeds, leaseMs, maximumAttempts } = config;
  const store = openStore(config.store, { clock, minimumSeeds, leaseMs, maximumAttempts });
  (await opening).openPopulation(config.populationVersion);
  models.giveBack(config.modelVersion); // it stays loaded as the served one
  const dependencies: EngineDependencies = {
    store,
    models,
    populationVersion: config.populationVersion,
    minimumSeeds,
    clock,
    onStoreError: (error) => logger.error({ err: error }, 'the end of an attempt cannot be written yet'),
  };
  const engine = new Engine(config, dependencies, logger, (timings) => send({ kind: 'expanded', timings }));
  return { engine, device: device.detail };
}

/** Also of the threads that Node has started by now, such as those that collect garbage; later ones inherit it. */
function lowerPriority(): void {
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) setPriority(thread, ENGINE_PRIORITY);
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
  let wantedModel: { readonly version: string; readonly folder: string } | null = null;
  let served: Served | null = null;
  // Ctrl-C and a supervisor's SIGTERM reach the whole process group: the parent decides when to stop.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', end);
  process.on('message', (message: ToEngine) => {
    if (message.kind === 'wake') engine?.wake();
    else if (message.kind === 'population') usePopulation(message.version);
    else if (message.kind === 'model') useModel(message);
    else if (message.kind === 'drop_model') engine?.dropModel(message.version);
    else if (message.kind === 'check_model') void check(message);
    else if (message.kind === 'stop') end();
    else if (message.kind === 'estimate') void estimate(message);
    else void begin(message.config);
  });
  /** A version that cannot be opened fails the attempts that pin it, not the engine. */
  function usePopulation(version: string): void {
    wanted = version;
    if (!served || !engine || served.config.populationVersion === version) return;
    engine.usePopulation(version);
    serveBy({ ...served.config, populationVersion: version }, served);
  }
  function useModel({ version, folder }: { readonly version: string; readonly folder: string }): void {
    wantedModel = { version, folder };
    if (!served || !engine || served.config.modelVersion === version) return;
    engine.useModel(version, folder);
    serveBy({ ...served.config, model: folder, modelVersion: version }, served);
  }
  function serveBy(config: EngineConfig, before: Served): void {
    served = { ...before, config, estimator: openEstimator(config, before.logger) };
    void before.estimator.close();
  }
  async function check({ id, task }: Extract<ToEngine, { kind: 'check_model' }>): Promise<void> {
    try {
      if (!engine) throw new AppError('unavailable', 'the engine is starting');
      send({ kind: 'model_checked', id, check: await engine.checkModel(task) });
    } catch (error) {
      send({ kind: 'model_rejected', id, error: describeError(error) });
    }
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
      const started = await startEngine(config, systemClock, logger, send);
      engine = started.engine;
      served = { config, logger, estimator: openEstimator(config, logger) };
      // it may have been named while the model was loaded
      usePopulation(wanted ?? config.populationVersion);
      useModel(wantedModel ?? { version: config.modelVersion, folder: config.model });
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
