/** The baselines of an evaluation: what they see of the population while their settings are chosen. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { Feature } from '../../src/dataset/features.ts';
import { createRng } from '../../src/lib/rng.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { naiveBayes } from '../../src/training/baselines/baselines.ts';
import { testTrials } from '../../src/training/choices/trial.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { baselineMethods } from '../../src/training/evaluation/methods.ts';
import { type Futures, openFutures } from '../../src/training/history/futures.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, writeSmallDataSet } from './small-data-set.ts';

let root = '';
let prepared: PreparedDataSet;
beforeAll(async () => {
  root = temporaryFolder();
  prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS), { pastCampaigns: true });
});
afterAll(() => {
  prepared.close();
});

const pastCampaigns = (features: readonly Feature[]) => features.find(({ name }) => name === PAST_CAMPAIGNS)!;

async function choiceOf(of: PreparedDataSet) {
  const method = baselineMethods(of, createRng('b')).find(({ name }) => name === 'naive_bayes')!;
  const { choice } = await method.run(testTrials(of.history.campaigns), { repeats: 1, seed: 0, device: CPU });
  return choice!;
}

describe('baselineMethods', () => {
  it("leaves a train campaign's own token out of its users while a setting is chosen", async () => {
    const futures = openFutures(prepared, prepared.userFeatures);
    const choose = (own: Futures) => chooseSetting(naiveBayes, own, createRng('b').fork('choice'));
    const choice = await choiceOf(prepared);
    expect(futures.columnOf('c0')).toBeGreaterThan(0);
    expect(choice.campaigns).toBeGreaterThan(0);
    expect(choice).toEqual(choose(futures));
    expect(choice).not.toEqual(choose({ ...futures, columnOf: () => -1 }));
  });

  it('sees all past campaigns of a user, even if a model reads fewer', async () => {
    const cut = (maxLength: number): PreparedDataSet => ({
      ...prepared,
      userFeatures: [...prepared.dataSet.userFeatures, { ...pastCampaigns(prepared.userFeatures), maxLength }],
    });
    expect(pastCampaigns(prepared.userFeatures).maxLength).toBeGreaterThan(1);
    expect(await choiceOf(cut(1))).toEqual(await choiceOf(prepared));
  });

  it("cuts lists to the data set's maximum length", async () => {
    const dataSet = { ...prepared.dataSet, userFeatures: prepared.userFeatures };
    const cut = (maxLength: number): PreparedDataSet => ({
      ...prepared,
      dataSet,
      userFeatures: prepared.userFeatures.map((feature) => ({ ...feature, maxLength })),
    });
    expect(await choiceOf(cut(1))).not.toEqual(await choiceOf(cut(4)));
  });
});
