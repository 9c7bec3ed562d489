/**
 * Training on two threads against one: the tasks of meta-steps, and the trials of a validation, on 5,000 synthetic
 * people.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '../../src/lib/rng.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';
import { createInitialModel } from '../../src/offline/initial-model.ts';
import { openLearners } from '../../src/offline/learners.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/offline/prepared-data-set.ts';
import { RECIPES } from '../../src/offline/recipe.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/offline/settings.ts';
import { generateDataSet } from '../../src/offline/synthetic.ts';
import { simulateTrial } from '../../src/offline/trial.ts';
import { CPU } from '../../src/runtime/session.ts';
import { compare } from './measure.ts';

const STEPS = 5;
const TRIALS = 8;
const SEEDS = 50;
const ROUNDS = 3;

export async function benchTraining(): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-bench-'));
  try {
    const data = join(folder, 'data');
    const sizes = { users: 5000, trainCampaigns: 24, testCampaigns: 2 };
    await generateDataSet({ ...sizes, out: data, seed: '1', world: 'bench' });
    const prepared = await prepareDataSet(data, { pastCampaigns: true });
    try {
      return await compareThreads(prepared);
    } finally {
      prepared.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compareThreads(prepared: PreparedDataSet): Promise<readonly string[]> {
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
    key: campaign.id,
    future: [],
    settings: [DEFAULT_DESCENT],
  }));
  const [one, two] = await Promise.all(
    [1, 2].map((threads) => openLearners(prepared, initialModel, { settings, device: CPU, threads })),
  );
  const both = [one!, two!];
  try {
    const stepping = await compare(
      ROUNDS,
      both.map((learners) => async () => {
        for (const tasks of steps) await learners.gradients(parameters, tasks);
      }),
    );
    const trying = await compare(
      ROUNDS,
      both.map((learners) => () => learners.evaluate(parameters, trials)),
    );
    const line = (what: string, { ms, ratios }: typeof stepping, count: number) =>
      `${what} takes ${(ms[0]! / count).toFixed(0)} ms in one thread and ${(ms[1]! / count).toFixed(0)} ms ` +
      `in two: ${ratios[1]!.toFixed(2)} times as fast, the same numbers`;
    return [line(`a meta-step of ${settings.taskCount} tasks`, stepping, STEPS), line('a trial', trying, TRIALS)];
  } finally {
    for (const learners of both) await learners.close();
  }
}
