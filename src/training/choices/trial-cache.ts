/** Caches the results that the trials of a campaign share across settings and parameters. */
import type { Parameters } from '../../../packages/onnx-grad/index.ts';
import type { Population } from '../../population/read.ts';
import { type HeadTrials, type PreparedTrials, prepareTrials } from './head-trials.ts';
import type { CampaignTrials } from './trial.ts';

/** Maximum number of rows of all cached trials. A row takes about 1.5 kB, so the cache takes 300 MB at most. */
const CACHED_ROWS = 200_000;

interface Cached {
  readonly prepared: PreparedTrials;
  /** The trials that were started with the current parameters. */
  started: HeadTrials | null;
}

export class TrialCache {
  readonly #population: Population;
  readonly #cached = new Map<string, Cached>();
  readonly #mostRows: number;
  #stage = '';
  #parameters: Parameters | null = null;
  #rows = 0;

  constructor(population: Population, mostRows = CACHED_ROWS) {
    this.#population = population;
    this.#mostRows = mostRows;
  }

  /** Must be called when the parameters' values change. */
  forgetParameters(): void {
    for (const cached of this.#cached.values()) cached.started = null;
  }

  /**
   * Returns the campaign's trials: those already started with the same map of `parameters`, if there are any, otherwise
   * new ones from `start`. Only trials of one stage are cached, up to a limit, because they are repeated round after
   * round.
   */
  async start(
    parameters: Parameters,
    campaign: CampaignTrials,
    start: (prepared: PreparedTrials) => Promise<HeadTrials>,
  ): Promise<HeadTrials> {
    if (campaign.stage !== this.#stage) {
      this.#cached.clear();
      this.#rows = 0;
      this.#stage = campaign.stage;
    }
    if (parameters !== this.#parameters) this.forgetParameters();
    this.#parameters = parameters;
    const { trials, key, future } = campaign;
    const name = JSON.stringify([key, future]);
    let cached = this.#cached.get(name);
    if (!cached) {
      cached = { prepared: prepareTrials(this.#population, trials, key), started: null };
      const { length } = cached.prepared.rows;
      if (this.#rows + length <= this.#mostRows) {
        this.#rows += length;
        this.#cached.set(name, cached);
      }
    }
    cached.started ??= await start(cached.prepared);
    return cached.started;
  }
}
