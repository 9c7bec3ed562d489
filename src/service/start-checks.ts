/**
 * What a start of the service refuses: one list, which `serve` runs and `doctor` reports. A check of a start is an
 * entry here, and so one of doctor's. None of them changes anything.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import type { StoreLocator } from '../domain/ports/store.ts';
import { isLoopback, requireKeyFor } from '../http/plugins/access/auth.ts';
import { trustedProxyCheck } from '../http/plugins/access/client-address.ts';
import { withinOpenFiles } from '../http/plugins/connections/descriptors.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { type ModelFolder, readModelFolder } from '../model/folder.ts';
import { locateStore, requireFreeStore, requireTakeableStore, requireUsableStore } from '../storage/open-store.ts';
import { DEFAULT_SERVICE_CONFIG, type Limits, type ServiceConfig } from './limits.ts';
import { ModelSwitch } from './model-switch.ts';
import { requireFilesOfEngine } from './open-files.ts';
import { PopulationSwitch } from './population-switch.ts';
import { requireWritable } from './require-writable.ts';
import { defaultThreads } from './settings/environment.ts';
import { createAddressGuard } from './webhooks/address-guard.ts';

export interface StartOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | null;
  readonly metricsKey?: string | null;
  /** Names by which it may be called without a key, besides loopback's and `host`. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may call it; none if not given. */
  readonly corsOrigins?: readonly string[];
  /** Addresses and CIDRs of the proxies in front of it; none if not given. */
  readonly trustedProxies?: readonly string[];
  /** Hosts and CIDRs that webhooks may go to although they are not public. */
  readonly webhookAllowedHosts: readonly string[];
  readonly device: string;
  /** The number of engine threads; null means one per processor. */
  readonly threads: number | null;
  readonly limits: Partial<Limits>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A start that is tried: what its checks read is read once, and served. */
export class Start {
  readonly options: StartOptions;
  /** How many files the process may open; null where the system does not say. */
  readonly openFiles: number | null;
  readonly locator: StoreLocator;
  #given: ModelFolder | null = null;
  #models: ModelSwitch | null = null;
  #populations: PopulationSwitch | null = null;
  #config: ServiceConfig | null = null;

  constructor(options: StartOptions, openFiles: number | null) {
    // a link may name another model when the engine starts again
    this.options = existsSync(options.model) ? { ...options, model: realpathSync(options.model) } : options;
    this.openFiles = openFiles;
    this.locator = locateStore(options.dataDir);
  }

  /** The model of `--model`. @throws AppError invalid_model */
  get given(): ModelFolder {
    this.#given ??= readModelFolder(this.options.model);
    return this.#given;
  }

  /** @throws AppError invalid_model, storage_failed */
  get models(): ModelSwitch {
    const { dataDir, logger, clock } = this.options;
    this.#models ??= new ModelSwitch({ dataDir, given: this.given, logger, clock });
    return this.#models;
  }

  /** @throws AppError invalid_population */
  get populations(): PopulationSwitch {
    const { population: folder, logger } = this.options;
    this.#populations ??= new PopulationSwitch({ folder, model: () => this.models.folder, logger });
    return this.#populations;
  }

  /** @throws AppError invalid_argument: too few open files */
  get config(): ServiceConfig {
    this.#config ??= configOf(this.options, this.openFiles);
    return this.#config;
  }
}

/** When `serve` runs a check; `by doing`: it does the thing itself, and refuses in the same words. */
type Moment = 'first' | 'locked' | 'opened' | 'by doing';

export interface StartCheck {
  /** As `doctor` names it. */
  readonly check: string;
  readonly moment: Moment;
  /** What to do, where doctor knows no better. */
  readonly advice: string;
  /** Throws what a start says. `hasKeys`: whether keys were made in the store. */
  look(start: Start, hasKeys: () => boolean): unknown;
}

/** In the order of a start. */
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
    // a folder that is not there has no keys
    look: ({ options }) => existsSync(options.dataDir) || requireKey(options, () => false),
  },
  {
    ...{ check: 'data folder', moment: 'first', advice: 'Give the service a folder that it may read and write.' },
    look: ({ options }) => requireWritable(options.dataDir),
  },
  {
    ...{ check: 'model', moment: 'first', advice: 'Make the model again, or copy it again from where it was made.' },
    look: (start) => start.given,
  },
  {
    ...{ check: 'promoted models', moment: 'first', advice: 'Promote a model again, or restore a backup.' },
    look: (start) => start.models,
  },
  {
    ...{ check: 'population', moment: 'first', advice: 'Import it again: metaheac population import.' },
    look: (start) => start.populations,
  },
  {
    ...{ check: 'open files', moment: 'first', advice: 'Raise the hard limit (LimitNOFILE=, ulimit -Hn).' },
    look: (start) => {
      void start.config;
      requireFilesOfEngine(start.options.threads ?? defaultThreads(), start.openFiles);
    },
  },
  {
    ...{ check: 'lock', moment: 'by doing', advice: 'Stop that service, or name another --data-dir.' },
    look: ({ locator }) => requireFreeStore(locator),
  },
  {
    ...{ check: 'saved database', moment: 'locked', advice: 'Choose one of the two databases, as it says.' },
    look: ({ locator }) => requireTakeableStore(locator),
  },
  {
    ...{ check: 'database', moment: 'by doing', advice: 'Restore the data folder from a backup.' },
    look: ({ locator }) => requireUsableStore(locator),
  },
  {
    ...{ check: 'access', moment: 'opened', advice: 'Set a key, or make one: metaheac keys create.' },
    look: ({ options }, hasKeys) => requireKey(options, hasKeys),
  },
  {
    ...{ check: 'port', moment: 'by doing', advice: 'Stop what listens there, or choose another --port.' },
    look: ({ options }) => tryPort(options),
  },
  {
    ...{ check: 'model loads', moment: 'by doing', advice: 'Make the model again, or serve another one.' },
    look: tryEngine,
  },
];

/** Runs those of a moment in their order. @throws AppError of the first that refuses */
export function refuseStart(start: Start, moment: Exclude<Moment, 'by doing'>, hasKeys = () => false): void {
  for (const check of START_CHECKS) if (check.moment === moment) check.look(start, hasKeys);
}

/** What listening failed with. */
export function cannotListen({ host, port }: Pick<StartOptions, 'host' | 'port'>, error: unknown): AppError {
  const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  return new AppError('unavailable', `cannot listen on ${host}:${port}: ${reason}`, { cause: error });
}

function requireKey({ host, apiKey, trustedProxies }: StartOptions, hasKeys: () => boolean): void {
  requireKeyFor(host, apiKey !== null || hasKeys(), trustedProxies);
}

/** Listens for a moment. */
function tryPort(options: StartOptions): Promise<void> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (error) => fail(cannotListen(options, error)));
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => server.close(() => done()));
  });
}

/** What the engine opens, with one thread; without the population where that is refused already. */
async function tryEngine(start: Start): Promise<void> {
  // only doctor comes here: the API process never loads ONNX Runtime
  const { openEngineModels } = await import('../engine/engine-start.ts');
  const { models: switched, options } = start;
  const { models } = await openEngineModels(
    {
      ...{ model: resolve(switched.folder.path), modelVersion: switched.version, models: switched.models },
      ...{ population: resolve(options.population), populationVersion: versionOf(start) },
      ...{ threads: 1, device: options.device },
    },
    () => null,
  );
  await models.close();
}

function versionOf(start: Start): string | null {
  try {
    return start.populations.served.version;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

function configOf(
  { limits, apiKey, metricsKey = null, host, trustedProxies = [], ...names }: StartOptions,
  openFiles: number | null,
): ServiceConfig {
  return {
    ...withinOpenFiles({ ...DEFAULT_SERVICE_CONFIG, ...limits }, openFiles),
    apiKey,
    metricsKey,
    isPublic: !isLoopback(host) || trustedProxies.length > 0,
    allowedHosts: [host, ...(names.allowedHosts ?? [])],
    corsOrigins: names.corsOrigins ?? [],
    trustedProxies,
  };
}
