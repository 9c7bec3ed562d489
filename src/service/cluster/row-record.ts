/** Records the served versions in a row of the database, and serves the versions that other nodes record there. */
import type { ServedRow } from '../../domain/ports/served.ts';
import {
  type ModelSwitch,
  type ServedChange,
  type ServedModelEntry,
  type ServedVersions,
  servedModelOf,
} from '../../domain/served.ts';
import { AppError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ModelSummary, ServedModel } from '../../model/versions.ts';
import { bind } from '../../online/binding.ts';
import { type Population, PopulationOpener } from '../../population/read.ts';
import type { ServedRecord } from '../served/served-record.ts';
import type { ServedState } from '../served/served-state.ts';
import type { SharedData } from './shared-data.ts';

const RETRY_SECONDS = 1;
/** Pause before versions that could not be fetched or opened are tried again. */
const RETRY_MS = 2_000;

export class RowRecord implements ServedRecord {
  readonly #row: ServedRow;
  readonly #data: Pick<SharedData, 'fetchModel' | 'fetchPopulation' | 'publishedModels'>;
  #now: ServedVersions;

  /** `now` is the row as it was read. */
  constructor(
    row: ServedRow,
    data: Pick<SharedData, 'fetchModel' | 'fetchPopulation' | 'publishedModels'>,
    now: ServedVersions,
  ) {
    this.#row = row;
    this.#data = data;
    this.#now = now;
  }

  get now(): ServedVersions {
    return this.#now;
  }

  /** Adopts a row that another process recorded. Returns false if the row is not newer than the known one. */
  note(now: ServedVersions): boolean {
    if (now.epoch <= this.#now.epoch) return false;
    this.#now = now;
    return true;
  }

  models(): readonly ServedModel[] {
    return this.#now.models.map(({ version, activatedAt, check }) => ({
      ...{ version, check },
      activated_at: activatedAt === null ? null : new Date(activatedAt).toISOString(),
    }));
  }

  published(): Promise<readonly ModelSummary[]> {
    return this.#data.publishedModels.list();
  }

  async fetchModel(version: string): Promise<void> {
    await this.#data.fetchModel(version);
  }

  async recordModel(how: ModelSwitch, { version, activated_at: at, check }: ServedModel): Promise<void> {
    const entry: ServedModelEntry = { version, activatedAt: at === null ? null : Date.parse(at), check };
    await this.#change({ kind: how, entry });
  }

  async fetchPopulation(version: string): Promise<void> {
    await this.#data.fetchPopulation(version);
  }

  async recordPopulation(version: string): Promise<void> {
    if (this.#now.population !== version) await this.#change({ kind: 'population', version });
  }

  /** @throws AppError unavailable if another node has changed the row since this node read it */
  async #change(change: ServedChange): Promise<void> {
    const next = await this.#row.change(this.#now.epoch, change);
    if (next === null)
      throw new AppError('unavailable', 'another node has switched the served model or population at the same time', {
        facts: { retry_after: RETRY_SECONDS },
      });
    this.note(next);
  }
}

interface FollowerOptions {
  readonly row: ServedRow;
  readonly record: RowRecord;
  readonly data: Pick<SharedData, 'fetchModel' | 'fetchPopulation' | 'population'>;
  readonly served: ServedState;
  readonly logger: Logger;
}

/** Serves the versions that other nodes record. This takes up to a second plus the time to fetch them. */
export class ServedFollower {
  readonly #options: FollowerOptions;
  readonly #opener = new PopulationOpener();
  readonly #end: () => void;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#end = options.row.onChanged((now) => {
      if (options.record.note(now)) this.#follow();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#opener.close();
  }

  #follow(): void {
    const { served, logger } = this.#options;
    if (this.#isClosed) return;
    void served
      .exclusively(() => this.#switch())
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        // the former versions are served until then
        logger.error({ err: error }, 'the versions that the cluster serves cannot be opened yet');
        this.#timer = setTimeout(() => this.#follow(), RETRY_MS);
      });
  }

  async #switch(): Promise<void> {
    const { record, data, served, logger } = this.#options;
    const { model: current, population: former } = served.now;
    const version = servedModelOf(record.now);
    const { population: wanted } = record.now;
    const model = version === current.version ? undefined : await data.fetchModel(version);
    const population = wanted === former.version ? undefined : await this.#open(wanted);
    if (model === undefined && population === undefined) return;
    bind(model ?? current.folder, population ?? former);
    served.replace({ ...(model && { model }), ...(population && { population }) });
    logger.info({ model: version, population: wanted, epoch: record.now.epoch }, 'another node has switched versions');
  }

  async #open(version: string): Promise<Population> {
    const { data, served } = this.#options;
    await data.fetchPopulation(version);
    return this.#opener.open(data.population, version, served.now.population.erasures);
  }
}
