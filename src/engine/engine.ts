/**
 * The engine process: opens model and population, claims jobs and expands them until it is told to stop, its parent is
 * gone or a thread dies.
 */
import { cpus } from 'node:os';
import type { StoreReserve } from '../domain/ports/reserve.ts';
import type { Timings } from '../domain/run-facts.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { createLogger, type Logger } from '../lib/logging.ts';
import { PACKAGE_VERSION } from '../lib/package-root.ts';
import { FollowedClock } from '../lib/service-clock.ts';
import { describeError } from '../lib/threads/thread-error.ts';
import type { Telemetry, TelemetrySettings, Tracer } from '../lib/tracing.ts';
import { freeBytesOf, openStore } from '../storage/open-store.ts';
import { openEngineModels } from './engine-start.ts';
import { Estimator } from './expansion/estimator.ts';
import { Pace } from './expansion/pace.ts';
import { WorkKeeper } from './expansion/work-keeper.ts';
import { Pulse } from './heartbeat.ts';
import { Engine, type EngineDependencies } from './job-loop.ts';
import type { EngineConfig, FromEngine, ToEngine } from './messages.ts';
import { lowerPriority } from './priority.ts';

/** How long an ending engine waits for its log and its last message to the parent to be sent. */
const LAST_WORDS_MS = 50;
/**
 * How long after it is ready the engine loads its model once more, for estimates, which are rarely the first thing
 * needed after a start.
 */
const WARM_AFTER_MS = 3_000;

interface ServedModel {
  readonly version: string;
  readonly folder: string;
}

/** What the engine process serves by now. */
interface Served {
  readonly config: EngineConfig;
  readonly logger: Logger;
  readonly estimator: Estimator;
}

/** Whom the engine tells what it does. */
interface Tellers {
  readonly logger: Logger;
  readonly tracer: Tracer | null;
  readonly pulse: Pulse;
  readonly send: (message: FromEngine) => void;
}

async function startEngine(
  config: EngineConfig,
  clock: Clock,
  isReserveExpected: () => boolean,
  { logger, tracer, pulse, send }: Tellers,
): Promise<{ engine: Engine; device: string }> {
  const { minimumSeeds, leaseMs, maximumAttempts, keptWorkMs } = config;
  const { models, device, store } = await openEngineModels(
    config,
    () => openStore(config.store, { clock, minimumSeeds, leaseMs, maximumAttempts }),
    (users) => pulse.expectWorkOn(users),
  );
  const hasRoom = roomOf(config, store.reserve, isReserveExpected);
  const dependencies: EngineDependencies = {
    store,
    pace: new Pace(),
    keeper: new WorkKeeper({ blobs: store.blobs, hasRoom, clock, keptWorkMs, computedBy: computedBy() }),
    models,
    populationVersion: config.populationVersion,
    minimumSeeds,
    clock,
    hasRoom,
    onStoreError: (error) => logger.error({ err: error }, 'the end of an attempt cannot be written yet'),
  };
  const onExpanded = (timings: Timings) => send({ kind: 'expanded', timings });
  const engine = new Engine(config, dependencies, logger, { onExpanded, pulse, tracer });
  return { engine, device };
}

/** As the API takes new work: above what is kept free, and while nothing was given up that deletions need. */
function roomOf(
  { store, diskReserveBytes }: Pick<EngineConfig, 'store' | 'diskReserveBytes'>,
  reserve: Pick<StoreReserve, 'sizeBytes'>,
  isReserveExpected: () => boolean,
): (bytes?: number) => boolean {
  return (bytes = 0) => {
    if (isReserveExpected() && reserve.sizeBytes() === 0) return false;
    return diskReserveBytes === 0 || freeBytesOf(store) >= diskReserveBytes + bytes;
  };
}

/** What unfinished work is not carried over to: it might be finished with other bits than it was begun. */
function computedBy(): string {
  return `${PACKAGE_VERSION} ${process.arch} ${cpus()[0]?.model}`;
}

/** It exports no metrics: the API process has those of both. */
async function openTelemetryOf(
  settings: TelemetrySettings | null,
  clock: Clock,
  logger: Logger,
): Promise<Telemetry | null> {
  if (settings === null || settings.tracesUrl === null) return null;
  const { openTelemetry } = await import('../lib/telemetry/open.ts');
  return openTelemetry({ settings, process: 'engine', clock, logger });
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
 * Runs as a child process: `start` comes over IPC; it ends on `stop` and when the parent is gone. It waits for no
 * thread: a quick stop is worth more than the segments that are being scored, and the parent releases the jobs.
 */
class EngineProcess {
  #engine: Engine | null = null;
  #served: Served | null = null;
  #wantedPopulation: string | null = null;
  #wantedModel: ServedModel | null = null;
  #telemetry: Telemetry | null = null;
  #isDraining = false;
  #isReserveExpected = false;
  readonly #clock = new FollowedClock(systemClock);
  readonly #pulse = new Pulse(systemClock, (heartbeat) => this.#send({ kind: 'heartbeat', heartbeat }));

  receive(message: ToEngine): void {
    if (message.kind === 'wake') this.#engine?.wake();
    else if (message.kind === 'clock') this.#clock.follow(message.offsetMs);
    else if (message.kind === 'population') this.#usePopulation(message.version);
    else if (message.kind === 'model') this.#useModel(message);
    else if (message.kind === 'drop_model') this.#engine?.dropModel(message.version);
    else if (message.kind === 'check_model') void this.#check(message);
    else if (message.kind === 'drain') this.#drain();
    else if (message.kind === 'reserve_expected') this.#isReserveExpected = true;
    else if (message.kind === 'stop') this.#stop();
    else if (message.kind === 'estimate') void this.#estimate(message);
    else void this.#begin(message.config);
  }

  /** Where the API process is gone it is not heard; the closed channel ends this one. */
  #send(message: FromEngine): void {
    process.send?.(message, () => {});
  }

  #drain(): void {
    this.#isDraining = true;
    this.#engine?.drain();
  }

  #stop(): void {
    void this.#telemetry?.close();
    try {
      this.#engine?.keepWork();
    } finally {
      end();
    }
  }

  /** A version that cannot be opened fails the attempts that pin it, not the engine. */
  #usePopulation(version: string): void {
    this.#wantedPopulation = version;
    if (!this.#served || !this.#engine || this.#served.config.populationVersion === version) return;
    this.#engine.usePopulation(version);
    this.#serveBy({ ...this.#served.config, populationVersion: version }, this.#served);
  }

  #useModel({ version, folder }: ServedModel): void {
    this.#wantedModel = { version, folder };
    if (!this.#served || !this.#engine || this.#served.config.modelVersion === version) return;
    this.#engine.useModel(version, folder);
    this.#serveBy({ ...this.#served.config, model: folder, modelVersion: version }, this.#served);
  }

  #serveBy(config: EngineConfig, before: Served): void {
    this.#served = { ...before, config, estimator: openEstimator(config, before.logger) };
    void before.estimator.close();
  }

  async #check({ id, task }: Extract<ToEngine, { kind: 'check_model' }>): Promise<void> {
    try {
      if (!this.#engine) throw new AppError('unavailable', 'the engine is starting');
      this.#send({ kind: 'model_checked', id, check: await this.#engine.checkModel(task) });
    } catch (error) {
      this.#send({ kind: 'model_rejected', id, error: describeError(error) });
    }
  }

  async #estimate({ id, task, timeMs }: Extract<ToEngine, { kind: 'estimate' }>): Promise<void> {
    try {
      const served = this.#served;
      // rows of one version are none of another
      const isServed = served?.config.populationVersion === task.populationVersion;
      const outcome =
        served && isServed ? await served.estimator.estimate(task, timeMs) : ({ kind: 'loading' } as const);
      this.#send({ kind: 'estimated', id, outcome });
    } catch (error) {
      this.#send({ kind: 'not_estimated', id, error: describeError(error) });
    }
  }

  async #begin(config: EngineConfig): Promise<void> {
    this.#clock.follow(config.clockOffsetMs);
    const logger = createLogger(config.logLevel, 'engine', { pretty: config.prettyLogs === true });
    this.#pulse.start();
    try {
      lowerPriority();
    } catch (error) {
      logger.debug({ err: error }, 'the priority could not be lowered');
    }
    try {
      this.#telemetry = await openTelemetryOf(config.telemetry, this.#clock, logger);
      const send = (message: FromEngine) => this.#send(message);
      const tellers = { logger, tracer: this.#telemetry, pulse: this.#pulse, send };
      this.#isReserveExpected ||= config.reserveExpected;
      const started = await startEngine(config, this.#clock, () => this.#isReserveExpected, tellers);
      this.#engine = started.engine;
      this.#served = { config, logger, estimator: openEstimator(config, logger) };
      // they may have been named while the model was loaded
      this.#usePopulation(this.#wantedPopulation ?? config.populationVersion);
      this.#useModel(this.#wantedModel ?? { version: config.modelVersion, folder: config.model });
      if (this.#isDraining) this.#engine.drain();
      this.#send({ kind: 'ready', device: started.device });
      await this.#engine.run();
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'internal';
      this.#send({ kind: 'refused', code, message: messageOf(error) });
      logger.fatal({ err: error }, 'the engine ends');
      end();
    }
  }
}

// Ctrl-C and a supervisor's SIGTERM reach the whole process group: the parent decides when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', end);
const engineProcess = new EngineProcess();
process.on('message', (message: ToEngine) => engineProcess.receive(message));
