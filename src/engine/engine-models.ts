/**
 * The models that an engine has loaded: the served model, a model that is being checked, and the models of running
 * expansions.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { AppError } from '../lib/errors.ts';
import { modelSum, readModelFolder } from '../model/folder.ts';
import { bind } from '../online/binding.ts';
import { type Population, PopulationOpener } from '../population/read.ts';
import type { EngineConfig, EngineServed } from './messages.ts';
import { ThreadPool } from './pool.ts';
import type { SharedVersions } from './shared-versions.ts';

/**
 * Number of population versions that stay open: normally the served version, and at most one other version that a retry
 * has pinned.
 */
const MOST_POPULATIONS = 2;

type ModelsConfig = Pick<EngineConfig, 'models' | 'population' | 'threads'> & Partial<Pick<EngineConfig, 'userSides'>>;
type ServedModel = EngineServed['model'];

/** A loaded model with its own threads. */
export interface LoadedModel {
  readonly version: string;
  /** The sha256 of the model's files (`modelSum`). */
  readonly sha256: string;
  readonly pool: ThreadPool;
  /** Opens a population version that fits this model. @throws AppError invalid_population, invalid_model */
  openPopulation(version: string): Promise<Population>;
}

interface Entry {
  readonly opening: Promise<LoadedModel>;
  /** null until the model is loaded. */
  pool: ThreadPool | null;
  users: number;
}

export class EngineModels {
  /** Rejects with ThreadDied if a thread dies. The process can no longer be trusted then. */
  readonly broken: Promise<never>;
  #break: (error: unknown) => void = () => {};
  readonly #config: ModelsConfig;
  readonly #device: string;
  readonly #entries = new Map<string, Entry>();
  readonly #populations = new LRUCache<string, Promise<Population>>({
    max: MOST_POPULATIONS,
    dispose: (_, version) => this.#releases.get(version)?.(),
  });
  /** Functions that let the mirror remove a version, by version. */
  readonly #releases = new Map<string, () => void>();
  readonly #shared: SharedVersions | null;
  /** Opens a population in a separate thread, because reading a whole population would block the event loop. */
  readonly #opener = new PopulationOpener();
  readonly #onPopulation: (users: number) => void;
  readonly #served: () => ServedModel;

  /**
   * `served` returns the served model, which is loaded when it is first taken and then stays loaded. `device` is cpu or
   * cuda:N. `onPopulation` is called with the number of users of each population that is opened. `shared` brings
   * versions to this host before they are opened.
   */
  constructor(
    config: ModelsConfig,
    served: () => ServedModel,
    device: string,
    onPopulation: (users: number) => void = () => {},
    shared: SharedVersions | null = null,
  ) {
    this.#shared = shared;
    this.#served = served;
    this.#onPopulation = onPopulation;
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => {}); // an unobserved rejection must not crash the process
    this.#config = config;
    this.#device = device;
  }

  /**
   * Opens and verifies a version of the population, or returns an open version. `isVerified`: see `EngineConfig`.
   * @throws AppError invalid_population
   */
  async population(version: string, isVerified = false): Promise<Population> {
    const found = this.#populations.get(version);
    if (found !== undefined) return found;
    const opening = this.#openPopulation(version, isVerified);
    this.#populations.set(version, opening);
    try {
      const opened = await opening;
      this.#onPopulation(opened.rowCount);
      return opened;
    } catch (error) {
      // the cause of the failure may be gone at the next attempt
      if (this.#populations.peek(version) === opening) this.#populations.delete(version);
      throw error;
    }
  }

  /**
   * Whether `take` may find a model, that is, whether the model is loaded, served, in the folder of models, or possibly
   * published.
   */
  has(version: string): boolean {
    return this.#shared !== null || this.#entries.has(version) || existsSync(this.#folderOf(version));
  }

  /**
   * Brings segments `from` to `to` - 1 of a population version to this host, as far as there is room. They stay until
   * the returned function is called. Does nothing if the population is not a mirror.
   * @throws AppError storage_failed, invalid_population
   */
  async prefetch(version: string, from: number, to: number): Promise<() => void> {
    return (await this.#shared?.prefetch(version, from, to)) ?? (() => {});
  }

  /** The user sides that the hosts of a cluster share; null if the population is not a mirror. */
  async exchangeUserSides(
    ...args: Parameters<SharedVersions['exchangeUserSides']>
  ): Promise<Awaited<ReturnType<SharedVersions['exchangeUserSides']>> | null> {
    return (await this.#shared?.exchangeUserSides(...args)) ?? null;
  }

  /**
   * Returns a model, which is loaded and verified first if necessary. The caller must give the model back.
   * @throws AppError invalid_model, and any error that the model's threads throw
   */
  async take(version: string, folder = this.#folderOf(version)): Promise<LoadedModel> {
    const entry = this.#entries.get(version) ?? { opening: this.#open(version, folder), pool: null, users: 0 };
    this.#entries.set(version, entry);
    entry.users += 1;
    try {
      const loaded = await entry.opening;
      entry.pool = loaded.pool;
      return loaded;
    } catch (error) {
      // the cause of the failure may be gone at the next attempt
      if (this.#entries.get(version) === entry) this.#entries.delete(version);
      throw error;
    }
  }

  /** Gives a model back. When all callers have given it back, its threads end, unless it is the served model. */
  giveBack(version: string): void {
    const entry = this.#entries.get(version);
    if (entry === undefined) return;
    entry.users -= 1;
    this.#closeUnused(version, entry);
  }

  /** Whether adaptations take all threads of a model. */
  get isAdapting(): boolean {
    return [...this.#entries.values()].some(({ pool }) => pool?.isAdapting ?? false);
  }

  /** Ends the threads of models that are unused and not served. Call this method when another model is served. */
  closeAllUnused(): void {
    for (const [version, entry] of this.#entries) this.#closeUnused(version, entry);
  }

  /** Ends all threads, even threads that are in use. */
  async close(): Promise<void> {
    const closing = [...this.#entries.values()].map(({ opening }) =>
      opening.then(
        ({ pool }) => pool.close(),
        () => {}, // nothing was opened
      ),
    );
    await Promise.all([...closing, this.#opener.close()]);
    this.#shared?.close();
  }

  #closeUnused(version: string, entry: Entry): void {
    if (entry.users > 0 || version === this.#served().version || this.#entries.get(version) !== entry) return;
    this.#entries.delete(version);
    entry.opening.then(({ pool }) => pool.close()).catch(() => {});
  }

  #folderOf(version: string): string {
    const served = this.#served();
    return version === served.version ? served.folder : join(this.#config.models, version);
  }

  async #openPopulation(version: string, isVerified: boolean): Promise<Population> {
    const release = await this.#shared?.takePopulation(version);
    if (release !== undefined) {
      this.#releases.get(version)?.();
      this.#releases.set(version, release);
    }
    return await this.#opener.open(this.#config.population, version, undefined, isVerified);
  }

  async #open(version: string, folder: string): Promise<LoadedModel> {
    const { population, threads, userSides = 1 } = this.#config;
    if (!existsSync(folder)) await this.#shared?.fetchModel(version);
    const model = readModelFolder(folder, { vocabulariesOnly: true });
    const found = model.manifest.version;
    if (found !== version) {
      const message = `the model folder ${folder} now contains version ${found}, but ${version} is served; restart the service`;
      throw new AppError('invalid_model', message);
    }
    // the threads verify the model while the caller opens a population
    const opening = ThreadPool.open(
      threads,
      {
        ...{ model: folder, population, device: this.#device },
        userSides: userSides !== 0,
      },
      {
        isInFolds: userSides !== 0 && model.manifest.adaptation.optimiser === 'gradient_descent',
        drift: model.manifest.drift,
      },
    );
    const bound = new WeakSet<Population>();
    const openPopulation = async (version: string): Promise<Population> => {
      const opened = await this.population(version);
      if (!bound.has(opened)) bind(model, opened);
      bound.add(opened);
      return opened;
    };
    const pool = await opening;
    pool.broken.catch(this.#break);
    return { version, sha256: modelSum(model.manifest), pool, openPopulation };
  }
}
