/** The model that a service serves, and the switch of a running service to another one. */
import { join, resolve } from 'node:path';
import type { CampaignStore } from '../domain/ports/store.ts';
import type { Reason } from '../domain/types.ts';
import type { ShadowCampaign } from '../engine/messages.ts';
import type { EngineSupervisor } from '../engine/supervisor.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { type ModelFolder, readModelFolder } from '../model/folder.ts';
import {
  findModel,
  listModels,
  MODELS_FOLDER,
  publishModel,
  readServedModels,
  type ServedModel,
  summarise,
  writeServedModels,
} from '../model/versions.ts';
import { bind } from '../online/binding.ts';
import { campaignFeaturesOf, describeModel } from './model-facts.ts';
import type { PopulationSwitch } from './population-switch.ts';
import type { ModelCheck, Models, ModelVersion } from './ports/models.ts';
import type { CampaignFeature, ModelFacts } from './ports/served-model.ts';

/** Campaigns that both models expand before a switch: the newest whose expansion is ready. */
const SHADOW_CAMPAIGNS = 3;
const RETRY_SECONDS = 2;

export interface ModelSwitchOptions {
  readonly dataDir: string;
  /** The model of `--model`. */
  readonly given: ModelFolder;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** What a switch works with, once the service has it. */
export interface SwitchParts {
  readonly store: Pick<CampaignStore, 'list' | 'expansion' | 'setsOf'>;
  readonly populations: PopulationSwitch;
  readonly supervisor: EngineSupervisor;
}

export class ModelSwitch implements Models {
  /** Folder of the models by version. */
  readonly models: string;
  readonly #options: ModelSwitchOptions;
  readonly #base: ModelFolder;
  #folder: ModelFolder;
  #features: readonly CampaignFeature[];
  #history: readonly ServedModel[];
  #parts: SwitchParts | null = null;
  /** By version: the last one since the start of the service. */
  readonly #checks = new Map<string, ModelCheck>();
  #checking: string | null = null;
  /** Settles with the last check; it never rejects. */
  #last: Promise<void> = Promise.resolve();
  #isClosing = false;

  /**
   * Reads the model that was promoted last while `--model` named the same version as now, else that of `--model`.
   * Nothing is written yet. @throws AppError invalid_model, storage_failed
   */
  constructor(options: ModelSwitchOptions) {
    this.#options = options;
    this.models = resolve(options.dataDir, MODELS_FOLDER);
    this.#base = options.given;
    const base = this.#base.manifest.version;
    const { isKept, history } = historyFrom(this.models, base);
    this.#history = history;
    const version = history.at(-1)!.version;
    this.#folder = isKept && version !== base ? readModelFolder(join(this.models, version)) : this.#base;
    this.#features = campaignFeaturesOf(this.#folder);
  }

  /** Once the data folder is locked: the file says what is served. Without one, there is none until a switch. */
  settle(): void {
    const stored = readServedModels(this.models);
    const base = this.#base.manifest.version;
    if (stored !== null && stored.base !== base) writeServedModels(this.models, { base, history: [...this.#history] });
  }

  /** Requests can be served from now on. */
  connect(parts: SwitchParts): void {
    this.#parts = parts;
  }

  /** Serves no other model from now on; while the data folder is still locked. The engine has been told to end. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#last;
  }

  /** The served model; of one that was promoted while the service runs, only what needs no ONNX Runtime. */
  get folder(): ModelFolder {
    return this.#folder;
  }

  get version(): string {
    return this.#folder.manifest.version;
  }

  get facts(): ModelFacts {
    return describeModel(this.#folder.manifest);
  }

  get campaignFeatures(): readonly CampaignFeature[] {
    return this.#features;
  }

  list(): readonly ModelVersion[] {
    const found = listModels(this.models);
    const served = found.find(({ manifest }) => manifest.version === this.version) ?? summarise(this.#folder.path);
    const others = found.filter(({ manifest }) => manifest.version !== this.version);
    return [...(served ? [served] : []), ...others].map((one) => this.#present(one));
  }

  get(version: string): ModelVersion {
    const path = this.#find(version);
    const summary = summarise(path);
    if (summary === null)
      throw new AppError('model_rejected', `model ${version} is damaged: its manifest is not valid`);
    return this.#present(summary);
  }

  activate(version: string): ModelVersion {
    this.#begin('activation', version);
    return this.get(version);
  }

  rollback(version: string): ModelVersion {
    const facts = { served_model_version: this.version };
    if (version !== this.version)
      throw new AppError('nothing_to_roll_back', `model ${version} is not served`, { facts });
    const before = this.#history.at(-2)?.version;
    if (before === undefined)
      throw new AppError('nothing_to_roll_back', `no model was served before ${version}`, { facts });
    this.#begin('rollback', before);
    return this.get(before);
  }

  #begin(kind: ModelCheck['kind'], version: string): void {
    const path = this.#find(version);
    if (version === this.version || version === this.#checking) return;
    if (this.#checking !== null) {
      const facts = { retry_after: RETRY_SECONDS };
      throw new AppError('unavailable', `model ${this.#checking} is being checked: wait for it`, { facts });
    }
    const next = this.#readNext(version, path);
    this.#checking = version;
    const check: ModelCheck = {
      ...{ kind, state: 'checking', fromVersion: this.version },
      populationVersion: this.#connected().populations.current().version,
      ...{ startedAt: this.#now(), endedAt: null, reason: null, comparisons: [] },
    };
    this.#checks.set(version, check);
    this.#last = this.#check(next, check).finally(() => {
      this.#checking = null;
    });
  }

  /** What can be seen without the engine: manifest, vocabularies, and whether it fits. */
  #readNext(version: string, path: string): ModelFolder {
    try {
      const next = readModelFolder(path, { vocabulariesOnly: true });
      if (next.manifest.version !== version)
        throw new AppError('model_rejected', `its folder holds version ${next.manifest.version}`);
      bind(next, this.#connected().populations.current());
      return next;
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'storage_failed') throw error;
      throw new AppError('model_rejected', `model ${version}: ${error.message}`, {
        facts: { model_version: version, served_model_version: this.version },
        cause: error,
      });
    }
  }

  async #check(next: ModelFolder, check: ModelCheck): Promise<void> {
    const { populations, supervisor } = this.#connected();
    const { version } = next.manifest;
    const { logger } = this.#options;
    try {
      // a rollback must not wait for an engine that the served model keeps from starting
      const isBlind = check.kind === 'rollback' && !supervisor.state.ready;
      const checked = isBlind
        ? { comparisons: [] }
        : await supervisor.checkModel({
            version,
            folder: next.path,
            campaigns: check.kind === 'rollback' ? [] : this.#shadowCampaigns(),
          });
      // kept, so that a rollback finds it, and expansions and customised models that need it
      await publishModel(this.models, this.#folder.path);
      const done = { ...check, state: 'served' as const, endedAt: this.#now(), comparisons: checked.comparisons };
      await populations.inTurn(async () => this.#serve(next, done));
      logger.info({ from: check.fromVersion, version, comparisons: checked.comparisons }, 'model switched');
    } catch (error) {
      supervisor.dropModel(version);
      this.#checks.set(version, { ...check, state: 'refused', endedAt: this.#now(), reason: reasonOf(error, next) });
      logger.error({ err: error, version, served: this.version }, 'the model was refused');
    }
  }

  /** The one moment of the switch: the file is replaced, and all others follow it. */
  #serve(next: ModelFolder, check: ModelCheck): void {
    const { populations, supervisor } = this.#connected();
    const { version } = next.manifest;
    if (this.#isClosing) throw new AppError('unavailable', 'the service is closing');
    // another population may be served since the check
    bind(next, populations.current());
    const last: ServedModel = { version, activated_at: check.endedAt, check };
    const before = check.kind === 'rollback' ? this.#history.slice(0, -2) : this.#history;
    const history = [...before, last];
    writeServedModels(this.models, { base: this.#base.manifest.version, history });
    this.#history = history;
    this.#folder = next;
    this.#features = campaignFeaturesOf(next);
    this.#checks.set(version, check);
    supervisor.useModel(version, next.path);
  }

  #shadowCampaigns(): ShadowCampaign[] {
    const { store } = this.#connected();
    return store.list({ limit: SHADOW_CAMPAIGNS, state: 'ready' }).items.flatMap((campaign) => {
      const { id: campaignId, externalId, expansionId } = campaign;
      if (expansionId === null) return [];
      const { features, filters } = store.expansion(campaignId, expansionId);
      return [{ campaignId, externalId, features, filters, sets: store.setsOf({ expansionId }) }];
    });
  }

  #present({ manifest, publishedAt, bytes }: NonNullable<ReturnType<typeof summarise>>): ModelVersion {
    const { version, name, created: createdAt } = manifest;
    const stored = this.#history.findLast((one) => one.version === version)?.check ?? null;
    const check = this.#checks.get(version) ?? (stored as ModelCheck | null);
    return { version, name, createdAt, publishedAt, bytes, isServed: version === this.version, check };
  }

  /** @throws AppError model_not_found */
  #find(version: string): string {
    const kept = findModel(this.models, version);
    if (kept !== null) return kept;
    for (const { path, manifest } of [this.#folder, this.#base]) if (manifest.version === version) return path;
    throw new AppError('model_not_found', `there is no model version ${version}`);
  }

  #connected(): SwitchParts {
    if (this.#parts === null) throw new AppError('unavailable', 'the service is starting');
    return this.#parts;
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** What was served, given that `--model` names version `base` now: a change of it is the operator's, and the newest. */
function historyFrom(
  models: string,
  base: string,
): { readonly isKept: boolean; readonly history: readonly ServedModel[] } {
  const stored = readServedModels(models);
  const first: ServedModel = { version: base, activated_at: null, check: null };
  if (stored === null) return { isKept: false, history: [first] };
  if (stored.base === base) return { isKept: true, history: stored.history };
  // promoted before any service started: the one of --model was served before it, as far as a rollback goes
  if (stored.base === null) return { isKept: true, history: [first, ...stored.history] };
  return { isKept: false, history: [...stored.history.filter(({ version }) => version !== base), first] };
}

/** Reasons name no path. */
function reasonOf(error: unknown, { path, manifest }: ModelFolder): Reason {
  if (!(error instanceof AppError)) return { code: 'internal', message: 'an internal error: see the log' };
  if (error.code === 'storage_failed')
    return { code: error.code, message: 'the data folder cannot be used: see the log' };
  const facts = Object.entries(error.facts).filter(([, value]) => ['string', 'number'].includes(typeof value));
  const code = error.code === 'invalid_model' || error.code === 'invalid_population' ? 'model_rejected' : error.code;
  return { ...Object.fromEntries(facts), code, message: error.message.replaceAll(path, manifest.version) } as Reason;
}
