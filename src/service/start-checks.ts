/**
 * The checks that can prevent a start, in one list: `serve` runs them and `doctor` reports them, so that a check added
 * here is also added to doctor. No check changes anything.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import type { StoreLocator } from '../domain/ports/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { cannotListen, requireKeyFor } from '../lib/listening.ts';
import type { Logger } from '../lib/logging.ts';
import { trustedProxyCheck } from '../lib/trusted-proxies.ts';
import { type ModelFolder, readModelFolder } from '../model/folder.ts';
import { Erasures } from '../population/erase.ts';
import { openPopulation, type Population } from '../population/read.ts';
import { locateStore, requireFreeStore, requireTakeableStore, requireUsableStore } from '../storage/open-store.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { requireFilesOfEngine, withinOpenFiles } from './open-files.ts';
import type { ListenOptions } from './ports/service.ts';
import { requireWritable } from './require-writable.ts';
import { type ModelHistory, readModelHistory } from './served/model-history.ts';
import { defaultThreads } from './settings/environment.ts';
import { createAddressGuard } from './webhooks/address-guard.ts';

export interface StartOptions extends ListenOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  /** Non-public hosts and CIDRs that webhooks may call. */
  readonly webhookAllowedHosts: readonly string[];
  /** The folder below which destinations may write. By default, folders cannot be destinations. */
  readonly destinationsRoot?: string | null;
  readonly device: string;
  /** Number of engine threads; null for one thread per processor. */
  readonly threads: number | null;
  readonly limits: Partial<Limits>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A start of the service. The checks read the model and the population, and the service then serves these objects. */
export class Start {
  readonly options: StartOptions;
  /** Maximum number of open files of the process; null if the system does not report it. */
  readonly openFiles: number | null;
  readonly locator: StoreLocator;
  #given: ModelFolder | null = null;
  #models: ModelHistory | null = null;
  #population: Population | null = null;
  #limits: Limits | null = null;

  constructor(options: StartOptions, openFiles: number | null) {
    // a link may point to another model when the engine restarts
    this.options = existsSync(options.model) ? { ...options, model: realpathSync(options.model) } : options;
    this.openFiles = openFiles;
    this.locator = locateStore(options.dataDir);
  }

  /** The model that `--model` names. @throws AppError invalid_model */
  get given(): ModelFolder {
    this.#given ??= readModelFolder(this.options.model);
    return this.#given;
  }

  /** @throws AppError invalid_model, storage_failed */
  get models(): ModelHistory {
    this.#models ??= readModelHistory(this.options.dataDir, this.given);
    return this.#models;
  }

  /** The current version of the population. @throws AppError invalid_population */
  get population(): Population {
    this.#population ??= openPopulation(this.options.population);
    return this.#population;
  }

  /**
   * The limits, lowered if the process may not open enough files. @throws AppError invalid_argument: too few open files
   */
  get limits(): Limits {
    this.#limits ??= withinOpenFiles({ ...DEFAULT_LIMITS, ...this.options.limits }, this.openFiles);
    return this.#limits;
  }
}

/**
 * The moment at which `serve` runs a check. `by doing`: `serve` attempts the action without checking first, and fails
 * with the same message.
 */
type Moment = 'first' | 'locked' | 'opened' | 'by doing';

export interface StartCheck {
  /** Name of the check in the output of `doctor`. */
  readonly check: string;
  readonly moment: Moment;
  /** Advice, used if doctor has no more specific advice. */
  readonly advice: string;
  /**
   * If a start would fail, throws the error that the start would throw, or rejects with this error. `hasKeys` returns
   * whether the store has keys.
   */
  look(start: Start, hasKeys: () => boolean): unknown;
}

/** All checks, in the order of a start. */
export const START_CHECKS: readonly StartCheck[] = [
  {
    ...{ check: 'access', moment: 'first', advice: 'Correct METAHEAC_TRUSTED_PROXIES.' },
    look: ({ options }) => trustedProxyCheck(options.trustedProxies ?? []),
  },
  {
    ...{ check: 'access', moment: 'first', advice: 'Correct METAHEAC_WEBHOOK_ALLOWED_HOSTS.' },
    look: ({ options }) => createAddressGuard(options.webhookAllowedHosts),
  },
  {
    ...{ check: 'access', moment: 'first', advice: 'Set a key, or serve on 127.0.0.1.' },
    // a folder that does not exist has no keys
    look: ({ options }) => existsSync(options.dataDir) || requireKey(options, () => false),
  },
  {
    ...{ check: 'data folder', moment: 'first', advice: 'Give the service a folder that it may read and write.' },
    look: ({ options }) => requireWritable(options.dataDir),
  },
  {
    ...{ check: 'model', moment: 'first', advice: 'Train or import the model again, or copy an intact model here.' },
    look: (start) => start.given,
  },
  {
    ...{ check: 'promoted models', moment: 'first', advice: 'Promote a model again, or restore a backup.' },
    look: (start) => start.models,
  },
  {
    ...{ check: 'erased users', moment: 'first', advice: 'Repair the erasures: metaheac population repair DIR' },
    look: ({ options }) => new Erasures(options.population),
  },
  {
    ...{
      check: 'population',
      moment: 'first',
      advice: 'Import the population again, or go back: metaheac population rollback',
    },
    look: (start) => start.population,
  },
  {
    ...{ check: 'open files', moment: 'first', advice: 'Raise the hard limit (LimitNOFILE=, ulimit -Hn).' },
    look: (start) => {
      void start.limits;
      requireFilesOfEngine(start.options.threads ?? defaultThreads(), start.openFiles);
    },
  },
  {
    ...{ check: 'lock', moment: 'by doing', advice: 'Stop that service, or name another --data-dir.' },
    look: ({ locator }) => requireFreeStore(locator),
  },
  {
    ...{
      check: 'saved database',
      moment: 'locked',
      advice: 'Choose the saved database or the current database, as described.',
    },
    look: ({ locator }) => requireTakeableStore(locator),
  },
  {
    ...{ check: 'database', moment: 'by doing', advice: 'Restore the data folder from a backup.' },
    look: ({ locator }) => requireUsableStore(locator),
  },
  {
    ...{ check: 'access', moment: 'opened', advice: 'Set a key, or create a key: metaheac keys create.' },
    look: ({ options }, hasKeys) => requireKey(options, hasKeys),
  },
  {
    ...{
      check: 'port',
      moment: 'by doing',
      advice: 'Stop the program that is using the port, or choose another --port.',
    },
    look: ({ options }) => tryPort(options),
  },
  {
    ...{ check: 'model loads', moment: 'by doing', advice: 'Train or import the model again, or serve another model.' },
    look: tryEngine,
  },
];

/** Runs, in order, the checks that are due at `moment`. @throws AppError of the first check that fails */
export async function refuseStart(
  start: Start,
  moment: Exclude<Moment, 'by doing'>,
  hasKeys = () => false,
): Promise<void> {
  for (const check of START_CHECKS) if (check.moment === moment) await check.look(start, hasKeys);
}

function requireKey({ host, apiKey, trustedProxies }: StartOptions, hasKeys: () => boolean): void {
  requireKeyFor(host, apiKey !== null || hasKeys(), trustedProxies);
}

/** Tests the port by listening on it briefly. @throws AppError unavailable */
export function tryPort(options: Pick<ListenOptions, 'host' | 'port'>): Promise<void> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (error) => fail(cannotListen(options, error)));
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => server.close(() => done()));
  });
}

/**
 * Opens everything that the engine needs, with one thread. If the check of the population fails, only the model is
 * opened.
 */
async function tryEngine(start: Start): Promise<void> {
  // only doctor runs this code: the API process never loads ONNX Runtime
  const { openEngineModels } = await import('../engine/engine-start.ts');
  const { models: history, options } = start;
  const { path, manifest } = history.served;
  const model = { version: manifest.version, folder: resolve(path) };
  const { models } = await openEngineModels(
    {
      served: { model, populationVersion: versionOf(start) },
      ...{ models: history.models, population: resolve(options.population), threads: 1, device: options.device },
    },
    () => null,
  );
  await models.close();
}

function versionOf(start: Start): string | null {
  try {
    return start.population.version;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}
