/** The versions of a running service's population: switching between them, their coverage, and samples of users. */
import { setImmediate } from 'node:timers/promises';
import { untilRead } from '../../domain/ports/blobs.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { bind } from '../../online/binding.ts';
import {
  type Column,
  type FeatureUse,
  findCurrentVersion,
  hasVersion,
  isTokenColumn,
  openPopulation,
  openValueCheck,
  type Population,
  PopulationOpener,
  PopulationReviewer,
  publishedAt,
  startOf,
  summariseVersions,
} from '../../population/read.ts';
import type { FeatureCoverage, FeatureValue, Populations } from '../ports/populations.ts';
import type { ServedRecord } from './served-record.ts';
import type { ServedState } from './served-state.ts';
import { ValueCounts } from './value-counts.ts';

/** Interval between checks of the folder for a new current version. */
const FOLLOW_EVERY_MS = 2_000;

export interface PopulationActivationOptions {
  /** Folder of all versions. */
  readonly folder: string;
  readonly record: ServedRecord;
  readonly served: ServedState;
  readonly logger: Logger;
}

export class PopulationActivation implements Populations {
  readonly #options: PopulationActivationOptions;
  readonly #opener = new PopulationOpener();
  readonly #reviewer: PopulationReviewer;
  readonly #counts = new ValueCounts(() => this.#served.population);
  readonly sample = sampleUsers;
  readonly openValueCheck = openValueCheck;
  #timer: NodeJS.Timeout | null = null;
  /** The last version that became current but could not be served. It is not tried again. */
  #refused: string | null = null;

  constructor(options: PopulationActivationOptions) {
    this.#options = options;
    this.#reviewer = new PopulationReviewer(options.folder);
  }

  importedAt(): number {
    return publishedAt(this.#options.folder, this.#served.population.version);
  }

  list(): ReturnType<Populations['list']> {
    return summariseVersions(this.#options.folder);
  }

  activate(version: string): Promise<void> {
    return this.#options.served.exclusively(() => this.#switchTo(version, true));
  }

  async coverage(version: string): Promise<readonly FeatureCoverage[]> {
    this.#requireVersion(version);
    const uses = await this.#reviewer.uses(version);
    return coverageOf(this.#served.model.folder, await this.#beside(version), uses);
  }

  async changes(since: string, version: string): ReturnType<Populations['changes']> {
    for (const one of [since, version]) this.#requireVersion(one);
    return await this.#reviewer.diff(since, version);
  }

  countValues(feature: string): Promise<Uint32Array> {
    return this.#counts.of(feature);
  }

  /** Until `close`, switches to each version that an import or a rollback makes current. */
  follow(): void {
    this.#timer = setInterval(() => void this.#options.served.exclusively(() => this.#followOnce()), FOLLOW_EVERY_MS);
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
      if (version === null || version === this.#served.population.version || version === this.#refused) return;
      await this.#switchTo(version, false);
    } catch (error) {
      this.#refused = version;
      logger.error({ err: error, version }, 'the current population version cannot be served');
    }
  }

  async #switchTo(version: string, isToBeCurrent: boolean): Promise<void> {
    const { record, served, logger } = this.#options;
    await record.fetchPopulation(version);
    this.#requireVersion(version);
    const { model, population } = served.now;
    if (version !== population.version) {
      const next = await this.#open(version);
      if (isToBeCurrent) await record.recordPopulation(version);
      this.#refused = null;
      served.replace({ population: next });
      const facts = { from: population.version, version, users: next.rowCount, model: model.version };
      logger.info(facts, 'population switched');
    } else if (isToBeCurrent) await record.recordPopulation(version);
  }

  /** @throws AppError population_not_found */
  #requireVersion(version: string): void {
    if (!hasVersion(this.#options.folder, version))
      throw new AppError('population_not_found', `there is no population version ${version}`);
  }

  /** Opens a version to read its features and dictionaries, without reading segments. */
  async #beside(version: string): Promise<Population> {
    const { population } = this.#served;
    if (version === population.version) return population;
    const options = { version, trusted: true, erasures: population.erasures };
    return await untilRead(() => openPopulation(this.#options.folder, options));
  }

  /** Opens a version that is not served yet, and checks that the model fits it. */
  async #open(version: string): Promise<Population> {
    try {
      const { model, population } = this.#served;
      const next = await this.#opener.open(this.#options.folder, version, population.erasures);
      bind(model.folder, next);
      return next;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError('population_rejected', `population version ${version}: ${error.message}`, { cause: error });
    }
  }

  get #served(): ServedState['now'] {
    return this.#options.served.now;
  }
}

/** Computes coverage by feature from the number of users with each token. */
function coverageOf(
  { vocabularies }: Pick<ModelFolder, 'vocabularies'>,
  population: Pick<Population, 'dictionary'>,
  uses: readonly FeatureUse[],
): FeatureCoverage[] {
  return uses.map(({ name, users, uses: counts }) => {
    const none = { name, users, values: null, unknownValues: null, unknownShare: null };
    if (counts === null) return none;
    const vocabulary = vocabularies.get(`user.${name}`);
    const dictionary = population.dictionary(name);
    let [values, all, unknownValues, unknown] = [0, 0, 0, 0];
    counts.forEach((count, code) => {
      if (count === 0) return;
      values += 1;
      all += count;
      if (vocabulary === undefined || vocabulary.find(dictionary.token(code)) !== 0) return;
      unknownValues += 1;
      unknown += count;
    });
    if (vocabulary === undefined) return { ...none, values };
    return { name, users, values, unknownValues, unknownShare: all === 0 ? 0 : unknown / all };
  });
}

/**
 * Returns the ids of the first `size` users or, if `wanted` is given, of the first `size` users with that value. There
 * may be fewer. Other requests are served between segments.
 * @throws AppError invalid_population
 */
export async function sampleUsers(
  population: Population,
  size: number,
  wanted: FeatureValue | null,
): Promise<string[]> {
  const { directory, segmentCount } = population;
  const code = wanted === null ? 0 : population.dictionary(wanted.feature).find(wanted.value);
  const userIds: string[] = [];
  if (wanted !== null && code === 0) return userIds;
  for (let index = 0; index < segmentCount && userIds.length < size; index++) {
    const { count, userNumbers, columns } = await untilRead(() => population.readSegment(index));
    const column = wanted === null ? null : columns.get(wanted.feature)!;
    for (let row = 0; row < count && userIds.length < size; row++) {
      const user = userNumbers[row]! as UserNumber;
      if (directory.isErased(user) || (column !== null && !hasCode(column, row, code))) continue;
      userIds.push(directory.id(user));
    }
    await setImmediate();
  }
  return userIds;
}

function hasCode(column: Column, row: number, code: number): boolean {
  if (!isTokenColumn(column)) return false;
  const end = startOf(column, row + 1);
  for (let at = startOf(column, row); at < end; at++) if (column.codes[at] === code) return true;
  return false;
}
