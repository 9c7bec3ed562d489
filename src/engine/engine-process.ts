/**
 * The engine process: opens the model and the population, then claims and expands jobs until the parent process stops
 * it, the parent process ends, or a thread dies.
 */
import { flushCompileCache } from 'node:module';
import { cpus } from 'node:os';
import type { StoreReserve } from '../domain/ports/reserve.ts';
import type { OnKept } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import { type Clock, findBootId, systemClock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { DiskWatch } from '../lib/files/disk-watch.ts';
import { FollowedClock } from '../lib/followed-clock.ts';
import { createLogger, type Logger } from '../lib/logging.ts';
import { PACKAGE_VERSION } from '../lib/package-root.ts';
import { describeError } from '../lib/threads/thread-error.ts';
import type { Telemetry, TelemetrySettings, Tracer } from '../lib/tracing.ts';
import { freeBytesOf, openBlobFiles, openStore } from '../storage/open-store.ts';
import { Engine, type EngineDependencies } from './engine.ts';
import { openEngineModels } from './engine-start.ts';
import { Checkpoints } from './expansion/checkpoints.ts';
import { Estimator } from './expansion/estimator.ts';
import { Pace } from './expansion/work-time.ts';
import { Pulse } from './heartbeat.ts';
import type { EngineConfig, EngineServed, FromEngine, ToEngine } from './messages.ts';
import { lowerPriority } from './priority.ts';
import { openSharedVersions, type SharedVersions } from './shared-versions.ts';

/** How long an engine that is ending waits for its log and its last message to be sent. */
const LAST_WORDS_MS = 50;
/** How long an engine that is ending may save checkpoints. The service kills an engine that takes longer. */
const SAVE_MS = 4_500;

/** Receivers of the engine's log lines, spans, heartbeats and messages. */
interface EngineStartDependencies {
  readonly logger: Logger;
  readonly tracer: Tracer | null;
  readonly pulse: Pulse;
  readonly send: (message: FromEngine) => void;
}

async function startEngine(
  config: EngineConfig,
  clock: Clock,
  { isReserveExpected, served }: { readonly isReserveExpected: () => boolean; readonly served: () => EngineServed },
  { logger, tracer, pulse, send }: EngineStartDependencies,
): Promise<{ engine: Engine; device: string }> {
  const { minimumSeeds, leaseMs, maximumAttempts, keptWorkMs } = config;
  const shared = await openShared(config, clock, logger);
  const { models, device, store } = await openEngineModels(
    config,
    () => {
      const options = { clock, followedBoot: findBootId(), minimumSeeds, leaseMs, maximumAttempts };
      return openStore(config.store, { ...options, onKept: keptLog(logger) });
    },
    { served, onPopulation: (users) => pulse.expectWorkOn(users), shared },
  );
  if (shared !== null)
    pulse.countsCopies(() => ({ blobCache: store.cluster?.blobCache ?? null, mirror: shared.mirror }));
  const hasRoom = roomOf(config, store.reserve, { isReserveExpected, clock, logger });
  const dependencies: EngineDependencies = {
    store,
    pace: new Pace(),
    keeper: new Checkpoints({ blobs: store.blobs, hasRoom, clock, keptWorkMs, computedBy: computedBy() }),
    models,
    served,
    minimumSeeds,
    clock,
    hasRoom,
    onStoreError: (error) => logger.error({ err: error }, 'the outcome of an attempt cannot be written yet'),
  };
  const onExpanded = (timings: Timings) => send({ kind: 'expanded', timings });
  const onWorking = (on: readonly string[]) => send({ kind: 'working', on });
  const engine = new Engine(config, dependencies, logger, { onExpanded, onWorking, pulse, tracer });
  return { engine, device };
}

/** Opens the source of published versions; null if the engine's folders are not copies of shared data. */
async function openShared(
  { shared, population, models }: EngineConfig,
  clock: Clock,
  logger: Logger,
): Promise<SharedVersions | null> {
  if (shared === undefined) return null;
  const files = await openBlobFiles(shared.blobs, clock, keptLog(logger));
  return await openSharedVersions(files, { population, models }, shared, { now: () => clock.now(), logger });
}

function keptLog(logger: Logger): OnKept {
  return (kept) => logger.warn(kept, 'the bucket keeps versions of deleted files');
}

/** Returns whether the disk has room for new work, by the same rule as in the API. */
function roomOf(
  { store, diskReserveBytes }: Pick<EngineConfig, 'store' | 'diskReserveBytes'>,
  reserve: Pick<StoreReserve, 'sizeBytes'>,
  {
    isReserveExpected,
    ...telling
  }: { readonly isReserveExpected: () => boolean; readonly clock: Clock; readonly logger: Logger },
): (bytes?: number) => boolean {
  const disk = new DiskWatch({
    readFree: () => freeBytesOf(store),
    reserveBytes: diskReserveBytes,
    isGivenUp: () => isReserveExpected() && reserve.sizeBytes() === 0,
    ...telling,
  });
  return (bytes = 0) => {
    const { isLow, freeBytes } = disk.state();
    return !isLow && freeBytes >= diskReserveBytes + bytes;
  };
}

/**
 * Identifies the program and the processor. Others might compute different bits, so they do not resume this engine's
 * work.
 */
function computedBy(): string {
  return `${PACKAGE_VERSION} ${process.arch} ${cpus()[0]?.model}`;
}

/** Exports only traces, because the API process exports the metrics of both processes. */
async function openTelemetryOf(
  settings: TelemetrySettings | null,
  clock: Clock,
  logger: Logger,
): Promise<Telemetry | null> {
  if (settings === null || settings.tracesUrl === null) return null;
  const { openTelemetry } = await import('../lib/telemetry/open.ts');
  return openTelemetry({ settings, process: 'engine', clock, logger });
}

/** Makes estimates in a separate thread, so they never wait for expansions. */
function openEstimator(
  { store, population }: EngineConfig,
  { epoch, model, populationVersion }: EngineServed,
): Estimator {
  const { folder, version: modelVersion } = model;
  return new Estimator(epoch, { model: folder, modelVersion, population, populationVersion, store });
}

/**
 * Kills the process once its last messages are sent. `process.exit` would tear down the threads' environments. If a
 * thread is running a model, ONNX Runtime would then abort with a message on stderr. The data on disk is consistent at
 * any moment, so killing is safe.
 */
function end(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
}

/**
 * The child process: receives `start` over IPC, and ends on `stop` or when the parent process is gone. It does not wait
 * for its threads, because stopping quickly matters more than the segments being scored. The parent process releases
 * the jobs.
 */
class EngineProcess {
  /** The served versions that the service sent last. */
  #served: EngineServed | null = null;
  #engine: Engine | null = null;
  /** Opens an estimator for the served model and population; null until the engine is started. */
  #openEstimator: ((served: EngineServed) => Estimator) | null = null;
  #estimator: Estimator | null = null;
  #telemetry: Telemetry | null = null;
  #isDraining = false;
  #isReserveExpected = false;
  readonly #clock = new FollowedClock(systemClock);
  readonly #pulse = new Pulse(systemClock, (heartbeat) => this.#send({ kind: 'heartbeat', heartbeat }));

  receive(message: ToEngine): void {
    if (message.kind === 'wake') this.#engine?.wake();
    else if (message.kind === 'clock') this.#clock.follow(message.offsetMs);
    else if (message.kind === 'serve') this.#serve(message.served);
    else if (message.kind === 'drop_model') this.#engine?.dropModel(message.version);
    else if (message.kind === 'check_model') void this.#check(message);
    else if (message.kind === 'drain') this.#drain();
    else if (message.kind === 'reserve_expected') this.#isReserveExpected = true;
    else if (message.kind === 'stop') void this.#stop();
    else if (message.kind === 'estimate') void this.#estimate(message);
    else void this.#begin(message.config);
  }

  /** Sends a message. Errors are ignored: if the API process is gone, the closed channel ends this process. */
  #send(message: FromEngine): void {
    process.send?.(message, () => {});
  }

  #drain(): void {
    this.#isDraining = true;
    this.#engine?.drain();
  }

  async #stop(): Promise<void> {
    void this.#telemetry?.close();
    // a store that does not answer must not prevent the process from ending
    setTimeout(end, SAVE_MS);
    try {
      await this.#engine?.saveCheckpoints();
    } finally {
      end();
    }
  }

  /** Starts serving other versions. If a version cannot be opened, only the attempts that need it fail. */
  #serve(served: EngineServed): void {
    this.#served = served;
    this.#engine?.servedChanged();
    this.#estimateFor(served);
  }

  #estimateFor(served: EngineServed): void {
    if (this.#openEstimator === null || this.#estimator?.epoch === served.epoch) return;
    void this.#estimator?.close();
    this.#estimator = this.#openEstimator(served);
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
      // the task's rows and features are valid only for the population and model of its epoch
      const estimator = this.#estimator?.epoch === task.epoch ? this.#estimator : null;
      const outcome = estimator ? await estimator.estimate(task, timeMs) : ({ kind: 'loading' } as const);
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
      logger.debug({ err: error }, 'the priority of the engine process could not be lowered');
    }
    try {
      this.#telemetry = await openTelemetryOf(config.telemetry, this.#clock, logger);
      const send = (message: FromEngine) => this.#send(message);
      const tellers = { logger, tracer: this.#telemetry, pulse: this.#pulse, send };
      this.#isReserveExpected ||= config.reserveExpected;
      // the served model may change before the engine has loaded its first model
      const served = () => this.#served ?? config.served;
      const now = { isReserveExpected: () => this.#isReserveExpected, served };
      const started = await startEngine(config, this.#clock, now, tellers);
      this.#engine = started.engine;
      this.#engine.servedChanged();
      this.#openEstimator = (served) => openEstimator(config, served);
      this.#estimateFor(served());
      if (this.#isDraining) this.#engine.drain();
      this.#send({ kind: 'ready', device: started.device });
      flushCompileCache(); // an engine is killed, so it writes nothing at its end
      await this.#engine.run();
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'internal';
      this.#send({ kind: 'refused', code, message: messageOf(error) });
      logger.fatal({ err: error }, 'the engine ends');
      end();
    }
  }
}

// Ctrl-C, and SIGTERM from a service manager, reach the whole process group, but the parent decides when this process
// ends
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', end);
const engineProcess = new EngineProcess();
process.on('message', (message: ToEngine) => engineProcess.receive(message));
