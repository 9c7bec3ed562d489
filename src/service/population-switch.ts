/** Switches a running service to another version of its population. */

import { AppError } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import type { ModelFolder } from '../model/folder.ts';
import { bind } from '../online/binding.ts';
import { PopulationOpener } from '../population/read/open-beside.ts';
import { hasVersion, openPopulation, type Population } from '../population/read/population.ts';
import { ServedPopulation } from '../population/read/served-population.ts';
import { PopulationReviewer } from '../population/update/review-beside.ts';
import { findCurrentVersion, publishedAt } from '../population/versions/manifest.ts';
import { makeCurrent, summariseVersions } from '../population/versions/versions.ts';
import { coverageOf } from './population-coverage.ts';
import type { FeatureCoverage, Populations } from './ports/populations.ts';

/** How often the folder is looked at for a version to follow. */
const FOLLOW_EVERY_MS = 2_000;

export interface SwitchOptions {
  readonly folder: string;
  /** The served one. */
  readonly model: () => ModelFolder;
  readonly logger: Logger;
}

export class PopulationSwitch implements Populations {
  /** What requests read. */
  readonly served: ServedPopulation;
  readonly #options: SwitchOptions;
  readonly #opener = new PopulationOpener();
  readonly #reviewer: PopulationReviewer;
  #current: Population;
  /** Settles with the last switch: one at a time. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #onSwitch: (version: string) => void = () => {};
  /** A version that could not be followed is tried once. */
  #refused: string | null = null;

  /** Opens the current version of the folder. @throws AppError invalid_population */
  constructor(options: SwitchOptions) {
    this.#options = options;
    this.#reviewer = new PopulationReviewer(options.folder);
    this.#current = openPopulation(options.folder);
    this.served = new ServedPopulation(this.#current);
  }

  current(): Population {
    return this.#current;
  }

  importedAt(): number {
    return publishedAt(this.#options.folder, this.#current.version);
  }

  list(): ReturnType<Populations['list']> {
    return summariseVersions(this.#options.folder);
  }

  activate(version: string): Promise<void> {
    return this.inTurn(() => this.#switchTo(version, true));
  }

  async coverage(version: string): Promise<readonly FeatureCoverage[]> {
    this.#requireVersion(version);
    const uses = await this.#reviewer.uses(version);
    return coverageOf(this.#options.model(), this.#beside(version), uses);
  }

  async changes(since: string, version: string): ReturnType<Populations['changes']> {
    for (const one of [since, version]) this.#requireVersion(one);
    return await this.#reviewer.diff(since, version);
  }

  /** Runs `action` while no other version is made the served one. */
  inTurn(action: () => Promise<void>): Promise<void> {
    const made = this.#last.then(action);
    this.#last = made.catch(() => {});
    return made;
  }

  /** `call` is told each version that is served from then on. */
  onSwitch(call: (version: string) => void): void {
    this.#onSwitch = call;
  }

  /** Serves whatever version an import or a rollback makes current, until `close`. */
  follow(): void {
    this.#timer = setInterval(() => void this.inTurn(() => this.#followOnce()), FOLLOW_EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await Promise.all([this.#opener.close(), this.#reviewer.close()]);
  }

  async #followOnce(): Promise<void> {
    const { folder, logger } = this.#options;
    let version: string | null = null;
    try {
      version = findCurrentVersion(folder);
      if (version === null || version === this.#current.version || version === this.#refused) return;
      await this.#switchTo(version, false);
    } catch (error) {
      this.#refused = version;
      logger.error({ err: error, version }, 'the current population version cannot be served');
    }
  }

  async #switchTo(version: string, isToBeCurrent: boolean): Promise<void> {
    const { folder, model, logger } = this.#options;
    this.#requireVersion(version);
    if (version !== this.#current.version) {
      const next = await this.#open(version);
      if (isToBeCurrent) makeCurrent(folder, version, { isVerified: true });
      const from = this.#current.version;
      this.served.switchTo(next);
      this.#current = next;
      this.#refused = null;
      this.#onSwitch(version);
      logger.info({ from, version, users: next.rowCount, model: model().manifest.version }, 'population switched');
    } else if (isToBeCurrent && findCurrentVersion(folder) !== version) {
      makeCurrent(folder, version, { isVerified: true });
    }
  }

  /** @throws AppError population_not_found */
  #requireVersion(version: string): void {
    if (!hasVersion(this.#options.folder, version))
      throw new AppError('population_not_found', `there is no population version ${version}`);
  }

  /** For its features and dictionaries: no segment of it is read here. */
  #beside(version: string): Population {
    if (version === this.#current.version) return this.#current;
    return openPopulation(this.#options.folder, { version, trusted: true, erasures: this.served.erasures });
  }

  /** The version beside the one that is served, bound to the model. */
  async #open(version: string): Promise<Population> {
    try {
      const next = await this.#opener.open(this.#options.folder, version, this.served.erasures);
      bind(this.#options.model(), next);
      return next;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError('population_rejected', `population version ${version}: ${error.message}`, { cause: error });
    }
  }
}
