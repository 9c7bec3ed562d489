/** The engine: claims jobs, and expands each job with the model that the job pinned. */
import { runsAlone } from '../domain/expansions.ts';
import { JOBS_PER_THREAD } from '../domain/queue-time.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { Job, Pins } from '../domain/types.ts';
import type { Logger } from '../lib/logging.ts';
import { ThreadDied } from '../lib/threads/thread-group.ts';
import type { Tracer } from '../lib/tracing.ts';
import type { EngineModels, LoadedModel } from './engine-models.ts';
import { AttemptWatch, type Outcome } from './expansion/attempt-watch.ts';
import { checkModel } from './expansion/check-model.ts';
import { type ExpandDependencies, expand, untilStored } from './expansion/expand.ts';
import type { Pulse } from './heartbeat.ts';
import type { CheckedModel, CheckModelTask, EngineConfig, EngineServed } from './messages.ts';
import { type Distribution, distributionOf } from './ranges/distribution.ts';
import { RangeWorker, type RangeWorkerDependencies } from './ranges/range-worker.ts';
import { Signal } from './ranges/signal.ts';
import { type StoredCount, UserSideWork } from './user-side-work.ts';
import { WorkList } from './work-list.ts';

/** Interval at which the queue is polled in case no message wakes the engine. */
const POLL_MS = 1000;
/** How long the engine waits after a store error, for example because the disk is full. */
const STORE_ERROR_DELAY_MS = 1000;

/** Dependencies that expansions with all models share. */
export type EngineDependencies = Omit<
  ExpandDependencies,
  'pool' | 'versions' | 'modelSha256' | 'openPopulation' | 'distribution'
> & {
  readonly models: RangeWorkerDependencies['models'] & Pick<EngineModels, 'broken' | 'closeAllUnused'>;
  /** Returns the versions that are served now. */
  served(): EngineServed;
  /** Whether the disk has room for another expansion and `bytes` more. */
  hasRoom(bytes?: number): boolean;
};

/** Receivers of the engine's reports, heartbeats and spans. */
export interface EngineListeners {
  readonly onExpanded: (timings: Timings) => void;
  readonly pulse: Pulse;
  /** Called with the names of the jobs and ranges that the engine is working on, whenever they change. */
  readonly onWorking: (working: readonly string[]) => void;
  readonly tracer: Tracer | null;
}

export class Engine {
  readonly #config: EngineConfig;
  readonly #dependencies: EngineDependencies;
  readonly #logger: Logger;
  readonly #listeners: EngineListeners;
  /** Loaded models that were checked. */
  readonly #checked = new Set<string>();
  #isDraining = false;
  #wake: () => void = () => {};
  /** Number of jobs being expanded. */
  #running = 0;
  /** Whether a job that must run alone is held. It waits until no other job is running, and no other job is claimed. */
  #isAlone = false;
  #whenNoneRuns: () => void = () => {};
  readonly #working: WorkList;
  #sleeping: Promise<void> = Promise.resolve();
  /** Resolves when the last claim has ended. */
  #asked: Promise<unknown> = Promise.resolve();
  /** The value of `#sleeping` when the store last had no job. */
  #emptyDuring: Promise<void> | null = null;
  readonly #userSides: UserSideWork;
  /** Notified when ranges are offered, finished or doubled by this engine. */
  readonly #signal = new Signal();
  /** The folders of offers whose parts this engine merges. */
  readonly #own = new Set<string>();
  /** Scores ranges of all expansions; null if the store has no ranges, or if this engine expands nothing. */
  readonly #rangeWorker: RangeWorker | null;

  constructor(config: EngineConfig, dependencies: EngineDependencies, logger: Logger, listeners: EngineListeners) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#logger = logger;
    this.#listeners = listeners;
    this.#working = new WorkList(listeners.onWorking);
    const { userSideBytes: maximumBytes, population, diskReserveBytes, rehearsedUsers } = config;
    const onStored = (count: StoredCount | null) => listeners.pulse.userSidesStored(count);
    const isShared = config.shared !== undefined;
    const own = { maximumBytes, population, diskReserveBytes, rehearsedUsers, isShared, onStored, logger };
    this.#userSides = new UserSideWork({ ...dependencies, ...own });
    listeners.pulse.readWarm = () => this.#userSides.isWarm;
    const { blobs } = dependencies.store;
    const { ownerId: owner, leaseMs, threads, expands } = config;
    const ranges = expands ? dependencies.store.ranges : null;
    ranges?.listen(() => this.#signal.notify());
    this.#rangeWorker =
      ranges &&
      new RangeWorker({
        ...{ ...dependencies, ranges, blobs, owner, leaseMs, logger, own: this.#own, signal: this.#signal },
        working: this.#working,
        most: JOBS_PER_THREAD * threads,
        onScored: (users) => listeners.pulse.scored(users),
        onRefused: (model) => listeners.pulse.refused(model),
      });
  }

  wake(): void {
    this.#wake();
  }

  /**
   * Call this method after a switch to another model or population. Running expansions finish with the ones they began
   * with.
   */
  servedChanged(): void {
    const { models, served } = this.#dependencies;
    this.dropModel(served().model.version);
    models.closeAllUnused();
    if (this.#config.expands) this.#userSides.start();
  }

  /** Loads another model and compares it with the served model. It stays loaded until it is served or dropped. */
  async checkModel(task: CheckModelTask): Promise<CheckedModel> {
    const check = await checkModel(task, { ...this.#dependencies, served: this.#dependencies.served() });
    if (this.#checked.has(task.version)) this.#dependencies.models.giveBack(task.version);
    this.#checked.add(task.version);
    return check;
  }

  /** Unloads a checked model. */
  dropModel(version: string): void {
    if (this.#checked.delete(version)) this.#dependencies.models.giveBack(version);
  }

  /** Claims no more jobs. Running jobs continue until the process ends. */
  drain(): void {
    this.#isDraining = true;
    this.#rangeWorker?.drain();
  }

  /**
   * Saves checkpoints of unfinished expansions that have done enough work. The checkpoints are durable when the promise
   * resolves.
   */
  async saveCheckpoints(): Promise<void> {
    const kept = await this.#dependencies.keeper.saveAll((error) =>
      this.#logger.warn({ err: error }, 'a checkpoint could not be saved, so the expansion will start over'),
    );
    if (kept > 0) this.#logger.info({ expansions: kept }, 'saved checkpoints of unfinished expansions');
  }

  /**
   * Runs several jobs per thread at a time: one job adapts while segments of another are scored, and jobs whose
   * segments are waiting at the same time share a pass over the population. A job during which engines died runs alone.
   * An engine that does not expand runs no jobs. This method ends only by throwing ThreadDied.
   */
  async run(): Promise<never> {
    this.#sleep();
    const { threads, expands } = this.#config;
    const jobs = expands ? JOBS_PER_THREAD * threads : 0;
    const workers = Array.from({ length: jobs }, () => this.#work());
    const all = this.#rangeWorker === null ? workers : [...workers, this.#rangeWorker.run()];
    return Promise.race([this.#dependencies.models.broken, ...all]);
  }

  async #work(): Promise<never> {
    for (;;) {
      // the workers may wait for the store one after another
      this.#listeners.pulse.goOn();
      try {
        // read before the claim, so that a wake-up during the claim is not missed
        const sleeping = this.#sleeping;
        const mayClaim = !this.#isDraining && this.#dependencies.hasRoom();
        const job = mayClaim ? await this.#claim(sleeping) : null;
        if (job) await this.#expand(job);
        else await sleeping;
      } catch (error) {
        if (error instanceof ThreadDied) throw error;
        this.#logger.error({ err: error }, 'a job could not be claimed or run');
        await new Promise((resolve) => setTimeout(resolve, STORE_ERROR_DELAY_MS));
      }
    }
  }

  /**
   * Claims a job. The workers ask the store one at a time. Once it has no job, the others wait for the next event
   * without asking.
   */
  #claim(sleeping: Promise<void>): Promise<Job | null> {
    const claiming = this.#asked.then(async () => {
      if (this.#isAlone || this.#emptyDuring === sleeping) return null;
      const job = await this.#dependencies.store.claim(this.#config.ownerId);
      if (job === null) this.#emptyDuring = sleeping;
      else this.#isAlone = runsAlone(job);
      return job;
    });
    this.#asked = claiming.catch(() => {}); // awaited by the next worker that asks
    return claiming;
  }

  async #expand(job: Job): Promise<void> {
    const { pulse, tracer, onExpanded } = this.#listeners;
    const { store, clock } = this.#dependencies;
    const mark = this.#working.mark(job.id);
    const watch = new AttemptWatch(job, {
      ...{ logger: this.#logger, store, tracer, clock, mark },
      onScored: (users) => pulse.scored(users),
    });
    const renewal = setInterval(() => {
      pulse.goOn();
      store.renew(job).catch((error: unknown) => watch.leaseNotRenewed(error));
    }, this.#config.leaseMs / 3);
    const isAlone = runsAlone(job);
    while (isAlone && this.#running > 0) await new Promise<void>((resolve) => (this.#whenNoneRuns = resolve));
    this.#running += 1;
    try {
      mark.begin();
      const outcome = await pulse.during(() => this.#expandWithModel(watch));
      mark.close();
      if (outcome.timings !== undefined) onExpanded(outcome.timings);
      watch.ended(outcome);
    } catch (error) {
      // after a thread has died, the mark shows what the engine was working on
      if (!(error instanceof ThreadDied)) mark.close();
      watch.broke();
      throw error;
    } finally {
      clearInterval(renewal);
      this.#running -= 1;
      if (this.#running === 0) this.#whenNoneRuns();
      if (isAlone) {
        this.#isAlone = false;
        this.#wake();
      }
      this.#userSides.start();
    }
  }

  /**
   * Expands a job with the model that its first attempt pinned. The first attempt uses the model being served when it
   * begins.
   */
  async #expandWithModel(watch: AttemptWatch): Promise<Outcome> {
    const { models, store } = this.#dependencies;
    // from now on, the death of this engine counts against the job, even if it is unknown what it was working on
    const begin = () => store.advance(watch.job, { state: 'adapting', progress: 0.01 });
    if (!(await untilStored(this.#dependencies, begin))) return { kind: 'lost' };
    const served = this.#dependencies.served();
    const model = await this.#takeModel(watch.job, served);
    const { version, sha256: modelSha256, pool, openPopulation } = model;
    const versions = { modelVersion: version, populationVersion: served.populationVersion };
    try {
      const distribution = await this.#distributionOf(model);
      const own = { pool, versions, modelSha256, openPopulation, distribution };
      const roomForUserSides = (pins: Pins) => this.#userSides.roomFor(pins);
      return await expand({ ...this.#dependencies, ...own, roomForUserSides }, watch);
    } finally {
      models.giveBack(version);
    }
  }

  /** How expansions with a model are distributed to all engines; null if the store has no ranges. */
  async #distributionOf(model: LoadedModel): Promise<Distribution | null> {
    const { ranges, blobs } = this.#dependencies.store;
    if (ranges === null) return null;
    const { leaseMs, maximumAttempts, rangeSegments } = this.#config;
    const rules = { leaseMs, maximumAttempts };
    const shared = { own: this.#own, signal: this.#signal, logger: this.#logger };
    return distributionOf({ ranges, blobs, rules, rangeSegments, ...shared }, model);
  }

  /**
   * Takes the pinned model. If it is missing or damaged, takes the served model instead, and the attempt then fails.
   */
  async #takeModel({ pins, expansionId }: Job, { model: served }: EngineServed): Promise<LoadedModel> {
    const { models } = this.#dependencies;
    const pinned = pins?.modelVersion;
    if (pinned !== undefined && pinned !== served.version && models.has(pinned)) {
      try {
        return await models.take(pinned);
      } catch (error) {
        if (error instanceof ThreadDied) throw error;
        this.#logger.error({ err: error, expansion: expansionId, model: pinned }, 'a pinned model cannot be loaded');
      }
    }
    return models.take(served.version, served.folder);
  }

  /** Makes all idle workers wait for the same event: the next poll, or a call of `wake`. */
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
