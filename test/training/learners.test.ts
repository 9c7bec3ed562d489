/** Learners: the same results in this thread and in others, and errors in a thread. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { regressCampaigns } from '../../src/training/choices/campaign-weights.ts';
import { libraryOf, stackBefore, withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { createInitialModel, type InitialModel } from '../../src/training/meta/initial-model.ts';
import type { Task } from '../../src/training/meta/learner.ts';
import { type Learners, openLearners } from '../../src/training/meta/learners.ts';
import { RECIPES } from '../../src/training/recipe.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, IS_USUAL, itUsual } from '../fixture/size.ts';
import { simulateTrial } from './simulate-trial.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from './small-data-set.ts';

const SETTINGS: TrainSettings = { ...SMALL_SETTINGS, recipe: 'meta-heads', adaptation: DEFAULT_DESCENT };

let root = '';
let prepared: PreparedDataSet;
let initialModel: InitialModel;
let tasks: Task[];

beforeAll(async () => {
  root = temporaryFolder();
  prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS), { pastCampaigns: true });
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  initialModel = createInitialModel(prepared, campaigns, SETTINGS);
  tasks = campaigns.map((campaign) => ({
    campaign: campaign.id,
    future: ['c1'],
    ...RECIPES['meta-heads'].sampleEpisode(createRng(campaign.id), campaign, SETTINGS)!,
  }));
});
afterAll(() => {
  prepared.close();
});

async function withLearners<A>(threads: number, use: (learners: Learners) => Promise<A>): Promise<A> {
  const learners = await openLearners(prepared, initialModel, { settings: SETTINGS, device: CPU, threads });
  try {
    return await use(learners);
  } finally {
    await learners.close();
  }
}

describe('learners in threads', () => {
  itUsual('return the same as one in this thread, when parameters change between two calls', async () => {
    const shifted = new Map(
      [...initialModel.graph.initializers].map(([name, value]) => [
        name,
        { ...value, data: (value.data as Float32Array).map((x) => x + 0.01) },
      ]),
    );
    const trials = prepared.history.campaigns
      .filter(({ id }) => ['c2', 'c3'].includes(id))
      .map((campaign) => ({
        trials: [simulateTrial(campaign, 5, createRng(campaign.id))!],
        stage: 'trials',
        key: campaign.id,
        future: campaign.id < 'c3' ? [] : ['c3', 'c4', 'c5'],
        settings: [DEFAULT_DESCENT, { ...DEFAULT_DESCENT, first_pass: null }],
      }));
    const ask = async (learners: Learners) => ({
      first: await learners.gradients(initialModel.graph.initializers, tasks),
      second: await learners.gradients(shifted, tasks.slice(1)),
      evaluated: await learners.evaluate(shifted, trials),
    });
    const expected = await withLearners(1, ask);
    const answers = await withLearners(2, ask);
    expect(answers).toEqual(expected);
    expect(answers.second[0]!.loss).not.toBe(answers.first[1]!.loss);
    expect(new Set(answers.first.map(({ loss }) => loss)).size).toBe(tasks.length);
  });

  itUsual('are refused when the population cannot be opened', async () => {
    const gone = { ...prepared, population: { ...prepared.population, path: join(root, 'nowhere') } };
    const opening = openLearners(gone, initialModel, { settings: SETTINGS, device: CPU, threads: 2 });
    await expect(opening).rejects.toMatchObject({ code: 'invalid_population' });
  });
});

describe('a task of the future', () => {
  itUsual('sees no tokens of its campaigns, and never its own', async () => {
    const [task] = tasks;
    const futures = [[], [task!.campaign], ['c1', 'c2', 'c3', 'c4', 'c5'], ['c5', 'c1', 'c2', 'c3', 'c4', 'nobody']];
    const [none, own, others, again] = await withLearners(1, async (learners) =>
      (
        await learners.gradients(
          initialModel.graph.initializers,
          futures.map((future) => ({ ...task!, future })),
        )
      ).map(({ loss }) => loss),
    );
    expect(own).toBe(none);
    expect(others).not.toBe(none);
    expect(again).toBe(others);
  });

  itUsual('is evaluated with a regression that does not know them either', async () => {
    const campaign = prepared.history.campaigns.find(({ id }) => id === 'c0')!;
    const trials = [simulateTrial(campaign, 5, createRng('trial'))!];
    const settings = [{ ...DEFAULT_DESCENT, regression: { ...DEFAULT_DESCENT.regression!, weight: 10 } }];
    const evaluate = (future: readonly string[]) => ({ trials, stage: 'trials', key: 'k', future, settings });
    const everything = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
    await withLearners(1, async (learners) => {
      const [now, future, back] = await learners.evaluate(
        initialModel.graph.initializers,
        [[], everything, []].map((ids) => evaluate(ids)),
      );
      expect(future).not.toEqual(now);
      expect(back).toEqual(now);
    });
  });
});

describe('a trial', () => {
  itUsual('has the priors of its own future, even if users are equal before others', async () => {
    const bare = await prepareDataSet(prepared.dataSet.path);
    try {
      const campaigns = bare.history.campaigns.filter(({ split }) => split === 'train');
      const model = createInitialModel(bare, campaigns, SETTINGS);
      const weights = await regressCampaigns(bare, model, campaigns, { seed: 1, device: CPU });
      expect(weights.length).toBeGreaterThan(0);
      const settings = {
        ...DEFAULT_DESCENT,
        priors: weights.map(({ power }) => ({ power, rank: 1 })),
      };
      const drawn = libraryOf(settings).filter((form) => form.kind === 'regression' && form.prior !== undefined);
      const blend = withStack(settings, drawn, stackBefore(drawn));
      const trials = [simulateTrial(campaigns[0]!, 5, createRng('trial'))!];
      const logitsBefore = async (futures: readonly (readonly string[])[]) => {
        const learners = await openLearners(bare, model, { settings: SETTINGS, device: CPU, threads: 1, weights });
        try {
          return await learners.logits(
            model.graph.initializers,
            futures.map((future) => ({ trials, stage: 'trials', key: `${future}`, future, settings: [blend] })),
          );
        } finally {
          await learners.close();
        }
      };
      const [c0, c1] = campaigns.map(({ id }) => [id]);
      const [first, second] = await logitsBefore([c0!, c1!]);
      const [alone] = await logitsBefore([c1!]);
      expect(second![0]!.columns.slice(1)).toEqual(alone![0]!.columns.slice(1));
      expect(second![0]!.columns.slice(1)).not.toEqual(first![0]!.columns.slice(1));
    } finally {
      bare.close();
    }
  });
});

describe.each([1, 2].filter((threads) => (threads === 2 ? IS_USUAL : IS_LONG)))('learners in %i threads', (threads) => {
  it('know that the values of the same parameters change with gradients', async () => {
    const parameters = new Map(
      [...initialModel.graph.initializers].map(([name, value]) => [
        name,
        { ...value, data: (value.data as Float32Array).slice() },
      ]),
    );
    const trials = prepared.history.campaigns
      .filter(({ split }) => split === 'train')
      .map((campaign) => ({
        trials: [simulateTrial(campaign, 5, createRng(campaign.id))!],
        stage: 'trials',
        key: campaign.id,
        future: [],
        settings: [DEFAULT_DESCENT],
      }));
    const [before, again, after] = await withLearners(threads, async (learners) => {
      const first = [await learners.evaluate(parameters, trials), await learners.evaluate(parameters, trials)];
      await learners.gradients(parameters, tasks.slice(0, 1));
      for (const { data } of parameters.values()) for (let i = 0; i < data.length; i++) data[i] = 2 * data[i]! + 0.1;
      return [...first, await learners.evaluate(parameters, trials)];
    });
    expect(again).toEqual(before);
    expect(after).not.toEqual(before);
    expect(after).toEqual(await withLearners(1, (learners) => learners.evaluate(parameters, trials)));
  });

  it('throw what a task throws, and run others after it', async () => {
    const [task] = tasks;
    const torn: Task = { ...task!, query: { users: task!.query.users, labels: Float32Array.of(1, 0) } };
    await withLearners(threads, async (learners) => {
      await expect(learners.gradients(initialModel.graph.initializers, [task!, torn])).rejects.toThrow(
        /dimension|broadcast/i,
      );
      expect(await learners.gradients(initialModel.graph.initializers, [task!])).toHaveLength(1);
    });
  });
});
