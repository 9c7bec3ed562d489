/** The models of a running service, and the switch to another model. */
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Reason } from '../../domain/types.ts';
import type { ShadowCampaign } from '../../engine/messages.ts';
import type { EngineSupervisor } from '../../engine/supervisor.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import { type ModelFolder, readModelFolder } from '../../model/folder.ts';
import { publishModel } from '../../model/promotion.ts';
import { findModel, listModels, summarise } from '../../model/versions.ts';
import { bind } from '../../online/binding.ts';
import type { ModelCheck, Models, ModelVersion } from '../ports/models.ts';
import type { ModelHistory } from './model-history.ts';
import type { ServedRecord } from './served-record.ts';
import type { ServedState } from './served-state.ts';

/**
 * Number of campaigns that both models expand before a switch. The newest campaigns with a ready expansion are used.
 */
const SHADOW_CAMPAIGNS = 3;
const RETRY_SECONDS = 2;

export interface ModelActivationOptions {
  /** The folder of models, and the model that the service was started with. */
  readonly start: Pick<ModelHistory, 'models' | 'given'>;
  readonly record: ServedRecord;
  readonly served: ServedState;
  readonly store: Pick<CampaignStore, 'list' | 'expansion' | 'setsOf' | 'cluster'>;
  readonly supervisor: Pick<EngineSupervisor, 'state' | 'checkModel' | 'dropModel'>;
  readonly logger: Logger;
  readonly clock: Clock;
}

export class ModelActivation implements Models {
  readonly #options: ModelActivationOptions;
  /** The last check of each version since the start of the service. */
  readonly #checks = new Map<string, ModelCheck>();
  #checking: string | null = null;
  /** Resolves when the last check ends, and never rejects. */
  #last: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(options: ModelActivationOptions) {
    this.#options = options;
  }

  /**
   * Refuses further switches, and waits for the switch in progress. Call this after the engine has been told to end,
   * while the data folder is still locked.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#last;
  }

  async list(): Promise<readonly ModelVersion[]> {
    const { version, folder } = this.#served.model;
    const published = await this.#options.record.published();
    const found = published.length > 0 ? published : listModels(this.#models);
    const served = found.find(({ manifest }) => manifest.version === version) ?? summarise(folder.path);
    const others = found.filter(({ manifest }) => manifest.version !== version);
    return [...(served ? [served] : []), ...others].map((one) => this.#present(one));
  }

  async get(version: string): Promise<ModelVersion> {
    const published = (await this.#options.record.published()).find(({ manifest }) => manifest.version === version);
    if (published !== undefined) return this.#present(published);
    const path = this.#find(version);
    const summary = summarise(path);
    if (summary === null)
      throw new AppError('model_rejected', `model ${version} is damaged: its manifest is not valid`);
    return this.#present(summary);
  }

  async activate(version: string): Promise<ModelVersion> {
    await this.#options.record.fetchModel(version);
    this.#begin('activation', version);
    return this.get(version);
  }

  async rollback(version: string): Promise<ModelVersion> {
    const { version: served } = this.#served.model;
    const facts = { served_model_version: served };
    if (version !== served) throw new AppError('nothing_to_roll_back', `model ${version} is not served`, { facts });
    const before = this.#options.record.models().at(-2)?.version;
    if (before === undefined)
      throw new AppError('nothing_to_roll_back', `no model was served before ${version}`, { facts });
    await this.#options.record.fetchModel(before);
    this.#begin('rollback', before);
    return this.get(before);
  }

  #begin(kind: ModelCheck['kind'], version: string): void {
    const path = this.#find(version);
    const { model, population } = this.#served;
    if (version === model.version || version === this.#checking) return;
    if (this.#checking !== null) {
      const facts = { retry_after: RETRY_SECONDS };
      throw new AppError(
        'unavailable',
        `model ${this.#checking} is being checked: try again when the check has ended`,
        { facts },
      );
    }
    const next = this.#readNext(version, path);
    this.#checking = version;
    const check: ModelCheck = {
      ...{ kind, state: 'checking', fromVersion: model.version },
      populationVersion: population.version,
      ...{ startedAt: this.#now(), endedAt: null, reason: null, comparisons: [] },
    };
    this.#checks.set(version, check);
    this.#last = this.#check(next, check).finally(() => {
      this.#checking = null;
    });
  }

  /**
   * Reads a model and runs the checks that need no engine: the manifest, the vocabularies, and whether the model fits
   * the population.
   */
  #readNext(version: string, path: string): ModelFolder {
    try {
      const next = readModelFolder(path, { vocabulariesOnly: true });
      if (next.manifest.version !== version)
        throw new AppError('model_rejected', `the folder contains version ${next.manifest.version}`);
      bind(next, this.#served.population);
      return next;
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'storage_failed') throw error;
      throw new AppError('model_rejected', `model ${version}: ${error.message}`, {
        facts: { model_version: version, served_model_version: this.#served.model.version },
        cause: error,
      });
    }
  }

  async #check(next: ModelFolder, check: ModelCheck): Promise<void> {
    const { served, supervisor, logger } = this.#options;
    const { version } = next.manifest;
    try {
      // a rollback must not wait for an engine that cannot start because of the served model
      const isBlind = check.kind === 'rollback' && !supervisor.state.ready;
      const checked = isBlind
        ? { comparisons: [] }
        : await supervisor.checkModel({
            version,
            folder: next.path,
            campaigns: check.kind === 'rollback' ? [] : await this.#shadowCampaigns(),
          });
      // the served model is kept for a rollback, and for expansions and customised models that need it
      await publishModel(this.#models, this.#served.model.folder.path);
      const done = { ...check, state: 'served' as const, endedAt: this.#now(), comparisons: checked.comparisons };
      await served.exclusively(() => this.#serve(next, done));
      logger.info({ from: check.fromVersion, version, comparisons: checked.comparisons }, 'model switched');
    } catch (error) {
      supervisor.dropModel(version);
      this.#checks.set(version, {
        ...check,
        state: 'refused',
        endedAt: this.#now(),
        reason: reasonOf(error, next, this.#options.store.cluster !== null),
      });
      logger.error({ err: error, version, served: this.#served.model.version }, 'the model was refused');
    }
  }

  /** Switches to another model: first records it, then replaces the served value. */
  async #serve(next: ModelFolder, check: ModelCheck): Promise<void> {
    const { served, record } = this.#options;
    const { version } = next.manifest;
    if (this.#isClosing) throw new AppError('unavailable', 'the service is closing');
    // the service may have switched to another population since the check
    bind(next, served.now.population);
    await record.recordModel(check.kind, { version, activated_at: check.endedAt, check });
    this.#checks.set(version, check);
    served.replace({ model: next });
  }

  async #shadowCampaigns(): Promise<ShadowCampaign[]> {
    const { store } = this.#options;
    const campaigns: ShadowCampaign[] = [];
    const { items } = await store.list({ limit: SHADOW_CAMPAIGNS, state: 'ready' });
    for (const { id: campaignId, externalId, expansionId } of items) {
      if (expansionId === null) continue;
      const { features, filters, negativeWeight, category } = await store.expansion(campaignId, expansionId);
      const sets = await store.setsOf({ expansionId });
      campaigns.push({ campaignId, externalId, category, features, filters, negativeWeight, sets });
    }
    return campaigns;
  }

  #present({ manifest, publishedAt, bytes }: NonNullable<ReturnType<typeof summarise>>): ModelVersion {
    const { version, name, created: createdAt } = manifest;
    const history = this.#options.record.models();
    const stored = history.findLast((one) => one.version === version)?.check ?? null;
    const check = this.#checks.get(version) ?? (stored as ModelCheck | null);
    return { version, name, createdAt, publishedAt, bytes, isServed: version === this.#served.model.version, check };
  }

  /** @throws AppError model_not_found */
  #find(version: string): string {
    const kept = findModel(this.#models, version);
    if (kept !== null) return kept;
    const { given } = this.#options.start;
    for (const { path, manifest } of [this.#served.model.folder, given]) if (manifest.version === version) return path;
    throw new AppError('model_not_found', `there is no model version ${version}`);
  }

  get #served(): ServedState['now'] {
    return this.#options.served.now;
  }

  get #models(): string {
    return this.#options.start.models;
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** The reason for a refusal, without paths. */
function reasonOf(error: unknown, { path, manifest }: ModelFolder, isShared: boolean): Reason {
  if (!(error instanceof AppError)) return { code: 'internal', message: 'an internal error occurred: see the log' };
  if (error.code === 'storage_failed') {
    const place = error.place ?? (isShared ? 'the object storage, or the cache of the node,' : 'the data folder');
    return { code: error.code, message: `${place} cannot be used: see the log` };
  }
  const facts = Object.entries(error.facts).filter(([, value]) => ['string', 'number'].includes(typeof value));
  const code = error.code === 'invalid_model' || error.code === 'invalid_population' ? 'model_rejected' : error.code;
  return { ...Object.fromEntries(facts), code, message: error.message.replaceAll(path, manifest.version) } as Reason;
}
