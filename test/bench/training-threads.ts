/** The default recipe on 5,000 synthetic people, in one thread and in two: tasks of meta-steps, and trials. */
import { join } from 'node:path';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { createRng } from '../../src/lib/rng.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { createInitialModel } from '../../src/training/meta/initial-model.ts';
import { type Learners, openLearners } from '../../src/training/meta/learners.ts';
import { RECIPES } from '../../src/training/recipe.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { simulateTrial } from '../training/simulate-trial.ts';
import { type BenchReport, figures, interleave, ratios, seconds } from './report.ts';

const STEPS = 5;
const TRIALS = 8;
const SEEDS = 50;

/** Both give the same results. */
export async function benchTrainingThreads(folder: string, rounds: number): Promise<BenchReport> {
  const data = join(folder, 'synthetic');
  const sizes = { users: 5000, trainCampaigns: 24, testCampaigns: 2 };
  await generateDataSet({ ...sizes, out: data, seed: '1', world: 'bench' });
  const prepared = await prepareDataSet(data, { pastCampaigns: true });
  try {
    return await compareThreads(prepared, rounds);
  } finally {
    prepared.close();
  }
}

async function compareThreads(prepared: PreparedDataSet, rounds: number): Promise<BenchReport> {
  const settings = DEFAULT_TRAIN_SETTINGS;
  const recipe = RECIPES[settings.recipe];
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  const initialModel = createInitialModel(prepared, campaigns, settings);
  const parameters = initialModel.graph.initializers;
  const rng = createRng('bench');
  const steps = Array.from({ length: STEPS }, (_, step) =>
    Array.from({ length: settings.taskCount }, (__, i) => {
      const campaign = campaigns[(step * settings.taskCount + i) % campaigns.length]!;
      return {
        campaign: campaign.id,
        future: [],
        ...recipe.sampleEpisode(rng.fork(`${step}/${i}`), campaign, settings)!,
      };
    }),
  );
  const trials = campaigns.slice(0, TRIALS).map((campaign) => ({
    trials: [simulateTrial(campaign, SEEDS, rng.fork(campaign.id))!],
    stage: 'bench',
    key: campaign.id,
    future: [],
    settings: [DEFAULT_DESCENT],
  }));
  const open = (threads: number) => openLearners(prepared, initialModel, { settings, device: CPU, threads });
  const [one, two] = [await open(1), await open(2)];
  const msPerStep = async (learners: Learners) => {
    const time = await seconds(async () => {
      for (const tasks of steps) await learners.gradients(parameters, tasks);
    });
    return (1000 * time) / STEPS;
  };
  const msPerTrial = async (learners: Learners) =>
    (1000 * (await seconds(() => learners.evaluate(parameters, trials)))) / TRIALS;
  try {
    const times = await interleave(rounds, {
      step1: () => msPerStep(one),
      step2: () => msPerStep(two),
      trial1: () => msPerTrial(one),
      trial2: () => msPerTrial(two),
    });
    const step = `default recipe, step of ${settings.taskCount} tasks`;
    return {
      results: figures(
        {
          [`${step}, 1 thread`]: times.step1,
          [`${step}, 2 threads`]: times.step2,
          'default recipe, trial, 1 thread': times.trial1,
          'default recipe, trial, 2 threads': times.trial2,
        },
        'ms',
      ),
      ratios: ratios({
        default_step_1_thread_vs_2: [times.step1, times.step2],
        default_trial_1_thread_vs_2: [times.trial1, times.trial2],
      }),
    };
  } finally {
    await one.close();
    await two.close();
  }
}
