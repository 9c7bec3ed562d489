/** Training by the recipe meta-heads: equal bytes, resumption, and past campaigns if requested. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS, LATENT_TABLE } from '../../src/model/architectures/heads.ts';
import { blendOf } from '../../src/model/blend.ts';
import { loadModel } from '../../src/model/load.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { decodeTensorFile } from '../../src/model/tensor-file.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { settingsBefore } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { openParts } from '../../src/training/choices/parts.ts';
import { type PastCampaigns, prepareTrainingData } from '../../src/training/choices/past-campaigns-choice.ts';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import { buildOneHot } from '../../src/training/history/one-hot.ts';
import type { PreparedDataSet } from '../../src/training/history/prepared-data-set.ts';
import { checkpointPath } from '../../src/training/meta/checkpoint.ts';
import { createInitialModel } from '../../src/training/meta/initial-model.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';
import { trainingIdentity } from '../../src/training/meta/training-run.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { CAMPAIGNS, SMALL_SETTINGS, type SmallCampaign, writeSmallDataSet } from './small-data-set.ts';
import { contentsOf, type SmallTraining, useTrainings } from './small-training.ts';

const SETTINGS: TrainSettings = {
  ...SMALL_SETTINGS,
  recipe: 'meta-heads',
  steps: 4,
  retrain: true,
  adaptation: DEFAULT_DESCENT,
};

const { newPath, open, trainInto } = useTrainings(SETTINGS);
let prepared: PreparedDataSet;
let uninterrupted: SmallTraining;

const preparedOf = (campaigns: readonly SmallCampaign[], pastCampaigns: PastCampaigns = 'always') => {
  const data = writeSmallDataSet(temporaryFolder(), campaigns);
  return open(prepareTrainingData(data, { pastCampaigns, seed: SETTINGS.seed }));
};

beforeAll(async () => {
  prepared = await preparedOf(CAMPAIGNS);
  uninterrupted = await trainInto(newPath());
});

describe('train, by the recipe meta-heads', () => {
  itUsual('writes a valid model whose manifest says how its heads are adapted', async () => {
    const { out, result } = uninterrupted;
    const { manifest, adapted } = await loadModel(out);
    expect(manifest).toEqual(result.manifest);
    const { regression_choice, companion_choice, adaptation_choice, blend_choice } = manifest.training!;
    const { companion: _, regression: __, ...descent } = DEFAULT_DESCENT;
    const { adaptation } = manifest;
    expect(adaptation).toEqual({ ...descent, stack: expect.any(Object), priors: expect.any(Array) });
    const { heads, parts } = blendOf(adaptation as DescentSettings);
    expect(Math.min(heads.few, heads.many)).toBeGreaterThan(0);
    expect(parts.length).toBeGreaterThan(2);
    const tried = { campaigns: expect.any(Number), tried: expect.any(Array) };
    expect(regression_choice).toEqual({
      ...tried,
      setting: { strength: expect.any(Number), power: expect.any(Number) },
    });
    expect(companion_choice).toEqual({ ...tried, setting: expect.any(Object) });
    // one campaign is held out here: too few to choose on
    expect(adaptation_choice).toEqual({ campaigns: 1, tried: [] });
    expect(blend_choice).toEqual({ kind: 'stack', campaigns: 1, gain: null, tried: [] });
    expect([...adapted].sort()).toEqual(Object.values(HEADS).sort());
    expect(manifest.training).toMatchObject({ recipe: 'meta-heads', steps: 4, campaigns: expect.any(Number) });
    expect(result.finalSteps).toBeGreaterThan(0);
    expect(manifest.evaluation!.groups['all']!.campaigns).toBe(1);
  });

  itUsual('starts over on all campaigns, for the number of passes that was best on a part of them', () => {
    const { result, progress } = uninterrupted;
    expect(result.finalSteps).toBe(Math.round((result.bestStep * 6) / 4));
    expect(progress.map(({ phase }) => phase)).toEqual([
      ...Array.from({ length: 4 }, () => 'choosing'),
      ...Array.from({ length: result.finalSteps }, () => 'final'),
    ]);
    expect(result.manifest.training).toMatchObject({ campaigns: 6, final_steps: result.finalSteps });
  });

  it.runIf(IS_LONG)(
    'continues from the best step when that would take long, to the same bytes after an interruption',
    async () => {
      const settings = { restartSteps: 0 };
      const whole = await trainInto(newPath(), { settings });
      expect(whole.result.finalSteps).toBe(Math.ceil((whole.result.bestStep * 2) / 4));
      const out = newPath();
      expect((await trainInto(out, { settings, stopAfter: 4 })).result.interrupted).toBe(true);
      await trainInto(out, { settings, resume: true });
      expect(contentsOf(out)).toEqual(contentsOf(whole.out));
      expect(whole.result.manifest.version).not.toBe(uninterrupted.result.manifest.version);
    },
  );

  itUsual('keeps the best of the first phase when the last is interrupted, and resumes to the same bytes', async () => {
    const out = newPath();
    const { result } = await trainInto(out, { stopAfter: 5 });
    expect(result).toMatchObject({ interrupted: true, finalSteps: 0 });
    expect(result.manifest.training).toMatchObject({ campaigns: 4, final_steps: 0 });
    const { progress } = await trainInto(out, { resume: true });
    expect(progress).toEqual(uninterrupted.progress.slice(5));
    expect(contentsOf(out)).toEqual(contentsOf(uninterrupted.out));
  });

  itUsual('produces the same bytes for the same seed on two threads, and other ones for another seed', async () => {
    const { out, progress } = await trainInto(newPath(), { threads: 2 });
    expect(contentsOf(out)).toEqual(contentsOf(uninterrupted.out));
    expect(progress).toEqual(uninterrupted.progress);
    const other = await trainInto(newPath(), { settings: { seed: 1 }, stopAfter: 1 });
    expect(other.progress[0]!.loss).not.toBe(uninterrupted.progress[0]!.loss);
  });

  it.runIf(IS_LONG)('does not continue from a checkpoint of the other recipe, or of other user features', async () => {
    const out = newPath();
    await trainInto(out, { stopAfter: 2 });
    const { recipe, adaptation } = SMALL_SETTINGS;
    const userFeatures = prepared.userFeatures.filter(({ name }) => name !== PAST_CAMPAIGNS);
    for (const other of [{ settings: { recipe, adaptation } }, { prepared: { ...prepared, userFeatures } }])
      await expect(trainInto(out, { resume: true, ...other })).rejects.toMatchObject({ code: 'invalid_argument' });
    // the checkpoint is still there
    const { progress } = await trainInto(out, { resume: true });
    expect(progress).toEqual(uninterrupted.progress.slice(2));
    expect(contentsOf(out)).toEqual(contentsOf(uninterrupted.out));
  });

  itUsual('does not continue with the stack of another library', async () => {
    const out = newPath();
    await trainInto(out, { stopAfter: 2 });
    const { identity } = decodeTensorFile(readFileSync(checkpointPath(out)))!.facts as { readonly identity: string };
    const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
    const initial = createInitialModel(prepared, campaigns, SETTINGS);
    const { adaptation } = await openParts(prepared, initial, campaigns, { settings: SETTINGS, device: CPU });
    const identityWith = (change: Partial<DescentSettings>) =>
      trainingIdentity(prepared, SETTINGS, { ...(adaptation as DescentSettings), ...change });
    expect(identityWith({})).toBe(identity);
    expect(identityWith({ negatives_per_seed: 3 })).toBe(identity);
    for (const library of [
      { priors: [] },
      { regression: { ...DEFAULT_DESCENT.regression!, strength: 100 } },
      { rates: { [HEADS.wide]: 1 } },
    ])
      expect(identityWith(library)).not.toBe(identity);
  });

  itUsual('starts the latent vectors at the SVD of the population, and the heads at zero', () => {
    const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
    const { graph } = createInitialModel(prepared, campaigns, SETTINGS);
    const oneHot = buildOneHot(prepared.population, prepared.userFeatures);
    const expected = latentStart(oneHot, 32, createRng('train/2020/latent'));
    const table = graph.initializers.get(LATENT_TABLE)!;
    expect(table.shape).toEqual([oneHot.width, 32]);
    for (let i = 0; i < expected.length; i++) expect(Math.abs(Number(table.data[i]) - expected[i]!)).toBeLessThan(1e-6);
    for (const name of Object.values(HEADS)) {
      const start = name === HEADS.scale ? 1 : 0;
      for (const x of graph.initializers.get(name)!.data) expect(Math.abs(Number(x) - start)).toBeLessThan(1e-6);
    }
  });
});

describe('past campaigns', () => {
  itUsual('are a user feature where they are requested', async () => {
    const { manifest, folder } = await loadModel(uninterrupted.out);
    expect(manifest.features.user.map(({ name }) => name)).toEqual(['age', 'tags', PAST_CAMPAIGNS]);
    const vocabulary = folder.vocabularies.get(`user.${PAST_CAMPAIGNS}`)!;
    const trained = CAMPAIGNS.filter(({ split }) => split === 'train').map(({ id }) => id);
    expect(trained.map((id) => vocabulary.find(id)).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(vocabulary.find('t0')).toBe(0);
  });

  itUsual('bring no user id into the model folder', () => {
    const texts = Object.entries(contentsOf(uninterrupted.out)).filter(([path]) => path.endsWith('.json'));
    expect(texts.length).toBeGreaterThan(3);
    for (const [path, text] of texts) expect(text, path).not.toMatch(/"u\d+"/);
  });

  itUsual('are left out if there are too few train campaigns to show that they help', async () => {
    const alone = await preparedOf(
      CAMPAIGNS.filter(({ id, split }) => id === 'c0' || id === 'c1' || split === 'test'),
      'auto',
    );
    expect(alone.userFeatures.map(({ name }) => name)).toEqual(['age', 'tags']);
  });
});

describe('train, with next to no past campaigns', () => {
  const tests = CAMPAIGNS.filter(({ split }) => split === 'test');
  const [first] = CAMPAIGNS;

  itUsual.each<[number, readonly SmallCampaign[]]>([
    [0, tests],
    [1, [first!, ...tests]],
  ])('of %i makes a model by defaults, which is sound and can be adapted', async (count, campaigns) => {
    const few = await preparedOf(campaigns);
    const { out, result } = await trainInto(newPath(), { prepared: few });
    const model = await loadModel(out);
    const { adaptation } = result.manifest;
    expect(adaptation).toEqual(settingsBefore({ settings: DEFAULT_DESCENT }));
    // seeds and population count more than a model without campaigns to learn from
    const { heads, parts } = blendOf(adaptation as DescentSettings);
    expect([heads, ...parts.map(({ share }) => share)].map(({ many }) => many)).toEqual([0.25, 0.5, 0.25]);
    expect(result.manifest.evaluation).toBeNull();
    expect(result.manifest.training).toMatchObject({ campaigns: count, adaptation_choice: null });
    const report = await evaluate(few, model, { repeats: 1, seed: 1, device: CPU, clock: systemClock });
    expect(report.methods['metaheac']!.all!.campaigns).toBe(2);
    // users who like what the campaign is about have a tag that says so
    expect(report.methods['metaheac']!.all!.auc.mean).toBeGreaterThan(0.9);
  });

  it.runIf(IS_LONG).each([2, 3, 4, 5])(
    'with %i makes a model that can be adapted, whatever a fold leaves',
    async (count) => {
      const train = CAMPAIGNS.filter(({ split }) => split === 'train').slice(0, count);
      const few = await preparedOf([...train, ...tests]);
      const { out } = await trainInto(newPath(), { prepared: few, settings: { steps: 2 } });
      const model = await loadModel(out);
      const report = await evaluate(few, model, { repeats: 1, seed: 1, device: CPU, clock: systemClock });
      expect(report.methods['metaheac']!.all!.auc.mean).toBeGreaterThan(0.8);
    },
  );
});
