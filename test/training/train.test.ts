/** Meta-training on a small data set: equal bytes, resumption, interruption, and unusual data sets. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { vocabularySizeOf } from '../../src/model/manifest.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { checkpointPath } from '../../src/training/meta/checkpoint.ts';
import { isValidated } from '../../src/training/settings.ts';
import type { TrainProgress } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, IS_USUAL, itUsual } from '../fixture/size.ts';
import { CAMPAIGNS, SMALL_SETTINGS, type SmallCampaign, writeSmallDataSet } from './small-data-set.ts';
import { contentsOf, type SmallTraining, useTrainings } from './small-training.ts';

const { newPath, open, trainInto } = useTrainings(SMALL_SETTINGS);
let data = '';
let prepared: PreparedDataSet;
let uninterrupted: SmallTraining;

const preparedOf = (campaigns: readonly SmallCampaign[], options?: Parameters<typeof writeSmallDataSet>[2]) =>
  open(prepareDataSet(writeSmallDataSet(temporaryFolder(), campaigns, options)));

beforeAll(async () => {
  data = writeSmallDataSet(temporaryFolder(), CAMPAIGNS);
  prepared = await open(prepareDataSet(data));
  uninterrupted = await trainInto(newPath());
});

describe('train', () => {
  itUsual(
    'writes a valid model with its evaluation on held-out campaigns and the settings of its training',
    async () => {
      const { out, result, progress } = uninterrupted;
      const { manifest, adapted } = await loadModel(out);
      expect(manifest).toEqual(result.manifest);
      expect(manifest.name).toBe('small');
      expect(manifest.created).toBe('2026-11-25T12:00:00.000Z');
      expect(manifest.features.user).toEqual([
        { name: 'age', kind: 'single', vocabulary_size: 4 },
        { name: 'tags', kind: 'multi', max_length: 4, vocabulary_size: 8 },
      ]);
      expect(manifest.features.campaign.map(vocabularySizeOf)).toEqual([3, 5]);
      expect(manifest.evaluation).toMatchObject({ data: 'small', campaigns: '1 train campaigns that were held out' });
      expect(manifest.evaluation!.groups['all']!.campaigns).toBe(1);
      // one is held out, and all members of c2 are members there
      expect(manifest.training).toMatchObject({ seed: 2020, steps: 6, campaigns: 4, best_step: result.bestStep });
      expect(adapted.length).toBe(18);
      expect(result).toMatchObject({ steps: 6, interrupted: false });
      expect(progress.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(progress.map(({ validationAuc }) => validationAuc !== null)).toEqual([
        false,
        true,
        false,
        true,
        false,
        true,
      ]);
      const aucs = progress.flatMap(({ validationAuc }) => validationAuc ?? []);
      expect(manifest.evaluation!.groups['all']!.auc.mean).toBe(Math.max(...aucs));
      expect(progress.every(({ loss }) => loss > 0 && loss < 2)).toBe(true);
      expect(existsSync(checkpointPath(out))).toBe(false);
    },
  );

  itUsual('produces the same bytes except for the date for the same seed, and other ones for another', async () => {
    const again = await trainInto(newPath(), { created: '2027-01-01T00:00:00.000Z' });
    expect(contentsOf(again.out)).toEqual(contentsOf(uninterrupted.out));
    expect(again.result.manifest.version).toBe(uninterrupted.result.manifest.version);
    expect(again.result.manifest.created).not.toBe(uninterrupted.result.manifest.created);
    const other = await trainInto(newPath(), { settings: { seed: 1, steps: 1 } });
    expect(other.result.manifest.version).not.toBe(uninterrupted.result.manifest.version);
  });

  itUsual('learns: the loss falls', async () => {
    const { progress } = await trainInto(newPath(), { settings: { steps: 40, validationEvery: 40, outerRate: 0.02 } });
    const mean = (part: readonly TrainProgress[]) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    expect(mean(progress.slice(-8))).toBeLessThan(0.8 * mean(progress.slice(0, 8)));
  });

  itUsual('takes first-order gradients if asked to', async () => {
    const settings = { innerRate: 0.5, steps: 2 };
    const [second, first] = [
      await trainInto(newPath(), { settings }),
      await trainInto(newPath(), { settings: { ...settings, firstOrder: true } }),
    ];
    // the same loss before the first step is applied, another one after it
    expect(first.progress[0]!.loss).toBeCloseTo(second.progress[0]!.loss, 5);
    expect(first.progress[1]!.loss).not.toBe(second.progress[1]!.loss);
    expect(contentsOf(first.out)['/model.onnx']).not.toBe(contentsOf(second.out)['/model.onnx']);
  });
});

describe('an interrupted training', () => {
  it.each([0, 1, 3, 4].filter((steps) => (steps === 3 ? IS_USUAL : IS_LONG)))(
    'keeps the best so far after %i steps, and continues to the same bytes',
    async (stopAfter) => {
      const out = newPath();
      const { result } = await trainInto(out, { stopAfter });
      expect(result).toMatchObject({ steps: stopAfter, interrupted: true });
      const { manifest } = await loadModel(out);
      expect(manifest.version).toBe(result.manifest.version);
      const best = uninterrupted.progress[stopAfter - 1]?.best ?? null;
      expect(manifest.training!['best_step']).toBe(best?.step ?? stopAfter);
      expect(manifest.evaluation?.groups['all']?.auc.mean ?? null).toBe(best?.auc ?? null);

      const resumed = await trainInto(out, { resume: true });
      expect(resumed.progress.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6].slice(stopAfter));
      expect(resumed.progress).toEqual(uninterrupted.progress.slice(stopAfter));
      expect(contentsOf(out)).toEqual(contentsOf(uninterrupted.out));
      expect(existsSync(checkpointPath(out))).toBe(false);
    },
  );

  itUsual('resumes after kill -9 to the same bytes', async () => {
    const out = newPath();
    const child = fork(join(fileURLToPath(import.meta.url), '..', 'children', 'train.ts'), [data, out, '5'], {
      execArgv: [],
      stdio: 'ignore',
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    expect(existsSync(out)).toBe(false);
    const resumed = await trainInto(out, { resume: true });
    expect(resumed.progress[0]!.step).toBe(5);
    expect(contentsOf(out)).toEqual(contentsOf(uninterrupted.out));
  });

  itUsual('does not continue with other settings or other data', async () => {
    const out = newPath();
    await trainInto(out, { stopAfter: 2 });
    const refusal = {
      code: 'invalid_argument',
      message: expect.stringContaining('different settings, different data'),
    };
    await expect(trainInto(out, { resume: true, settings: { innerRate: 0.1 } })).rejects.toMatchObject(refusal);
    // as many rows, other labels
    const [first, ...rest] = CAMPAIGNS;
    const other = await preparedOf([{ ...first!, members: first!.members - 1 }, ...rest]);
    await expect(trainInto(out, { resume: true, prepared: other })).rejects.toMatchObject(refusal);
  });

  itUsual('continues to more steps than it started with', async () => {
    const out = newPath();
    await trainInto(out, { stopAfter: 4 });
    const { result } = await trainInto(out, { resume: true, settings: { steps: 8 } });
    expect(result).toMatchObject({ steps: 8, interrupted: false });
  });
});

describe('an unusual data set', () => {
  const noTests = CAMPAIGNS.filter(({ split }) => split === 'train');

  itUsual('with campaigns of 20 rows trains', async () => {
    const small = await preparedOf(noTests.map((campaign) => ({ ...campaign, rows: 20, members: 6 })));
    const { result } = await trainInto(newPath(), { prepared: small, settings: { batchSize: 512, steps: 2 } });
    expect(result.manifest.evaluation).not.toBeNull();
  });

  itUsual('without campaign features trains', async () => {
    const plain = await preparedOf(CAMPAIGNS, { campaignFeatures: false });
    const { out } = await trainInto(newPath(), { prepared: plain, settings: { steps: 2 } });
    expect((await loadModel(out)).manifest.features.campaign).toEqual([]);
  });

  itUsual.each([1, 2])('with %i train campaigns holds none out, and uses the last step', async (count) => {
    const few = await preparedOf(noTests.slice(0, count));
    const out = newPath();
    const { result, progress } = await trainInto(out, { prepared: few, settings: { steps: 5, patience: 1 } });
    expect(result).toMatchObject({ steps: 5, bestStep: 5 });
    expect(result.manifest.evaluation).toBeNull();
    expect(progress.every(({ best, validationAuc }) => best === null && validationAuc === null)).toBe(true);
    expect((await loadModel(out)).manifest.training).toMatchObject({ campaigns: count, best_step: 5 });
    // and so does one that is interrupted and goes on
    const path = newPath();
    await trainInto(path, { prepared: few, settings: { steps: 5, patience: 1 }, stopAfter: 3 });
    await trainInto(path, { prepared: few, settings: { steps: 5, patience: 1 }, resume: true });
    expect(contentsOf(path)).toEqual(contentsOf(out));
  });

  itUsual('whose held-out campaigns cannot be measured uses the last step', async () => {
    const lone = await preparedOf(noTests.map((campaign) => ({ ...campaign, members: 1 })));
    const { result, progress } = await trainInto(newPath(), { prepared: lone, settings: { steps: 3 } });
    expect(result.manifest.evaluation).toBeNull();
    expect(result.bestStep).toBe(3);
    expect(progress.every(({ best }) => best === null)).toBe(true);
  });

  itUsual('that a manifest cannot describe is refused before training', async () => {
    const [age, tags] = prepared.userFeatures;
    const long = { ...prepared, userFeatures: [age!, { ...tags!, maxLength: 5000 }] };
    const training = trainInto(newPath(), { prepared: long });
    await expect(training).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringMatching(/feature "tags" .*4096/),
    });
    const unnamed = trainInto(newPath(), { settings: { name: '' } });
    await expect(unnamed).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('name') });
  });
});

describe('isValidated', () => {
  itUsual('is at every multiple, a few early steps and the last one', () => {
    const settings = { ...SMALL_SETTINGS, steps: 130, validationEvery: 50 };
    const steps = Array.from({ length: 130 }, (_, i) => i + 1).filter((step) => isValidated(step, settings));
    expect(steps).toEqual([10, 25, 50, 100, 130]);
  });
});
