/** Trials that come again, with other settings or other parameters: what they have in common is computed once. */
import type { Parameters } from '../adaptation/compaction.ts';
import type { Population } from '../population/population.ts';
import { type HeadTrials, type PreparedTrials, prepareTrials } from './head-trials.ts';
import type { CampaignTrials } from './learner.ts';

/** Maximum number of rows of all trials that are kept: about 1.5 kB each. */
const KEPT_ROWS = 200_000;

interface Kept {
  readonly prepared: PreparedTrials;
  /** With the current parameters. */
  started: HeadTrials | null;
}

export class KeptTrials {
  readonly #population: Population;
  readonly #kept = new Map<string, Kept>();
  readonly #mostRows: number;
  #stage = '';
  #parameters: Parameters | null = null;
  #rows = 0;

  constructor(population: Population, mostRows = KEPT_ROWS) {
    this.#population = population;
    this.#mostRows = mostRows;
  }

  /** The parameters' values change. */
  forgetParameters(): void {
    for (const kept of this.#kept.values()) kept.started = null;
  }

  /**
   * The campaign's trials, by `start` unless they have been started with `parameters` (the same map) already. Only
   * trials of one stage are kept, the first ones up to a limit: trials of a stage come round after round.
   */
  async start(
    parameters: Parameters,
    campaign: CampaignTrials,
    start: (prepared: PreparedTrials) => Promise<HeadTrials>,
  ): Promise<HeadTrials> {
    if (campaign.stage !== this.#stage) {
      this.#kept.clear();
      this.#rows = 0;
      this.#stage = campaign.stage;
    }
    if (parameters !== this.#parameters) this.forgetParameters();
    this.#parameters = parameters;
    const { trials, key, future } = campaign;
    const name = JSON.stringify([key, future]);
    let kept = this.#kept.get(name);
    if (!kept) {
      kept = { prepared: prepareTrials(this.#population, trials, key), started: null };
      const { length } = kept.prepared.rows;
      if (this.#rows + length <= this.#mostRows) {
        this.#rows += length;
        this.#kept.set(name, kept);
      }
    }
    kept.started ??= await start(kept.prepared);
    return kept.started;
  }
}
