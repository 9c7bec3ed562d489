/**
 * Collects the data for predictions on test campaigns and the true values from the eval rows. The same data is also
 * collected with random users in place of the seeds.
 */
import { createRng, sampleWithoutReplacement } from '../../../src/lib/rng.ts';
import type { GeneralModel } from '../../../src/model/load.ts';
import { customise } from '../../../src/online/customise.ts';
import type { OnlineContext } from '../../../src/online/online-context.ts';
import { PREDICTED_SHARES } from '../../../src/online/quality/prediction.ts';
import type { SeedRanks } from '../../../src/online/quality/seed-ranks.ts';
import { openTrialModel, othersThan, runPredictedTrial, type Trial } from '../../../src/training/choices/trial.ts';
import type { RankingQuality } from '../../../src/training/evaluation/metrics.ts';
import type { PreparedDataSet } from '../../../src/training/history/prepared-data-set.ts';
import type { Device } from '../../onnx-grad/index.ts';

/** Number of random user sets that are used as seeds. Each set is as large as a test campaign's seed set. */
const RANDOM_SETS = 20;

/** The number of seeds, and the ranks of the held-out seeds. The ranks are null if there are too few seeds. */
interface RankedSeeds {
  readonly seeds: number;
  readonly ranks: SeedRanks | null;
}

export interface MeasuredCampaign extends RankedSeeds {
  readonly id: string;
  readonly group: Trial['group'];
  /** The true quality at the audience shares in `PREDICTED_SHARES`. */
  readonly quality: RankingQuality;
  /** Share of members among the eval rows. */
  readonly members: number;
}

export interface MeasuredPredictions {
  /** The measured campaigns, in the order of the trials. */
  readonly campaigns: readonly MeasuredCampaign[];
  readonly random: readonly RankedSeeds[];
}

/** Measures audiences chosen from the eval rows of each trial. `seed` determines all random numbers. */
export async function measurePredictions(
  prepared: PreparedDataSet,
  model: GeneralModel,
  trials: readonly Trial[],
  options: { seed: number; device: Device; onProgress?: (done: number, total: number) => void },
): Promise<MeasuredPredictions> {
  const { population } = prepared;
  const { seed, device, onProgress } = options;
  const opened = await openTrialModel(model, population, device);
  const { context, scorer } = opened;
  const sampled = trials.slice(0, RANDOM_SETS);
  let done = 0;
  const step = () => onProgress?.(++done, trials.length + sampled.length);
  try {
    const campaigns: MeasuredCampaign[] = [];
    for (const trial of trials) {
      const { id, group, seeds, evaluation } = trial;
      const key = `evaluate/${seed}/0/${id}`;
      const { quality, ranks } = await runPredictedTrial(context, scorer, trial, key, PREDICTED_SHARES);
      const members = evaluation.labels.reduce((sum, label) => sum + label, 0) / evaluation.labels.length;
      campaigns.push({ id, group, seeds: seeds.length, ranks, quality, members });
      step();
    }
    const random: RankedSeeds[] = [];
    for (const trial of sampled) {
      const ranked = await rankRandomUsers(context, trial, `evaluate/${seed}/random/${trial.id}`);
      if (ranked) random.push(ranked);
      step();
    }
    return { campaigns, random };
  } finally {
    await opened.close();
  }
}

/** Ranks as many random users as the trial has seeds. Returns null if no other candidates remain. */
async function rankRandomUsers(context: OnlineContext, trial: Trial, key: string): Promise<RankedSeeds | null> {
  const { population } = context;
  const seeds = sampleWithoutReplacement(createRng(key), population.rowCount, trial.seeds.length).sort();
  const isSeed = new Set(seeds);
  const ranked = trial.evaluation.users.map((user) => population.rowOf[user]!).filter((row) => !isSeed.has(row));
  const candidates = othersThan(population, seeds);
  if (ranked.length === 0 || candidates.length === 0) return null;
  const { ranks } = await customise(context, { key, features: trial.features, seeds, candidates, ranked });
  return { seeds: seeds.length, ranks };
}
