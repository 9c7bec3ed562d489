/** Where it is recorded which versions are served, so that they are served again after a restart. */

import { historyAfter, type ModelSwitch } from '../../domain/served.ts';
import { type ModelSummary, type ServedModel, writeServedModels } from '../../model/versions.ts';
import { findCurrentVersion } from '../../population/read.ts';
import { makeCurrent } from '../../population/update.ts';
import { type ModelHistory, settleModelHistory } from './model-history.ts';

export interface ServedRecord {
  /** Models in the order in which they were served; the last entry is the served model. */
  models(): readonly ServedModel[];
  /** Models that `fetchModel` can bring from elsewhere, newest first; those of a data folder are there already. */
  published(): Promise<readonly ModelSummary[]>;
  /** Brings the files of a model to the folder of models, if they are elsewhere. @throws AppError storage_failed */
  fetchModel(version: string): Promise<void>;
  /** @throws AppError unavailable if another process has recorded a switch meanwhile; storage_failed */
  recordModel(how: ModelSwitch, entry: ServedModel): Promise<void>;
  /** Brings what is needed to open a version to the population folder. @throws AppError storage_failed */
  fetchPopulation(version: string): Promise<void>;
  /** @throws AppError unavailable (another process has recorded a switch meanwhile, or imports); storage_failed */
  recordPopulation(version: string): Promise<void>;
}

/** Records in files: the history of models in the data folder, and the current version in the population folder. */
export class FileRecord implements ServedRecord {
  readonly #start: ModelHistory;
  readonly #population: string;
  #models: readonly ServedModel[];

  /** Opens the record of a data folder, which must be locked. @throws AppError storage_failed */
  constructor(start: ModelHistory, population: string) {
    this.#start = start;
    this.#population = population;
    this.#models = start.entries;
    settleModelHistory(start);
  }

  models(): readonly ServedModel[] {
    return this.#models;
  }

  async published(): Promise<readonly ModelSummary[]> {
    return [];
  }

  async fetchModel(): Promise<void> {}

  async recordModel(how: ModelSwitch, entry: ServedModel): Promise<void> {
    const history = historyAfter(this.#models, how, entry);
    writeServedModels(this.#start.models, { base: this.#start.given.manifest.version, history });
    this.#models = history;
  }

  async fetchPopulation(): Promise<void> {}

  async recordPopulation(version: string): Promise<void> {
    if (findCurrentVersion(this.#population) !== version) makeCurrent(this.#population, version, { isVerified: true });
  }
}
