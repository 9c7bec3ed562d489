/** The prior from past campaigns: what their regressions have in common, without those of a future. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { encodePriors, PRIOR_FILE, readPriors } from '../../src/model/campaign-prior.ts';
import type { ModelFolder } from '../../src/model/folder.ts';
import { loadModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { openBoundRegression } from '../../src/online/regression/bound-regression.ts';
import {
  type CampaignWeights,
  priorsBefore,
  regressCampaigns,
  withPriors,
} from '../../src/training/choices/campaign-weights.ts';
import { withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { prepareTrainingData } from '../../src/training/choices/past-campaigns-choice.ts';
import { testTrials } from '../../src/training/choices/trial.ts';
import { modelMethod } from '../../src/training/evaluation/methods.ts';
import type { PreparedDataSet } from '../../src/training/history/prepared-data-set.ts';
import { createInitialModel, exportModel, type InitialModel } from '../../src/training/meta/initial-model.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { CAMPAIGNS, SMALL_SETTINGS, writeSmallDataSet } from './small-data-set.ts';

const SETTINGS: TrainSettings = { ...SMALL_SETTINGS, recipe: 'meta-heads', adaptation: DEFAULT_DESCENT };

let root = '';
let prepared: PreparedDataSet;
let initial: InitialModel;
let all: readonly CampaignWeights[];
let weights: CampaignWeights;
const train = () => prepared.history.campaigns.filter(({ split }) => split === 'train');

beforeAll(async () => {
  root = temporaryFolder();
  prepared = await prepareTrainingData(writeSmallDataSet(newFolder(root), CAMPAIGNS), {
    pastCampaigns: 'always',
    seed: 1,
  });
  initial = createInitialModel(prepared, train(), SETTINGS);
  all = await regressCampaigns(prepared, initial, train(), { seed: 1, device: CPU });
  weights = all[1]!;
});
afterAll(() => prepared.close());

const rowOf = (i: number) => Float64Array.from(weights.weights.subarray(i * weights.width, (i + 1) * weights.width));

describe('regressCampaigns', () => {
  it('has logits of variance 1 for every campaign, and equal bits for equal arguments', async () => {
    expect(weights.ids).toEqual(train().map(({ id }) => id));
    const { folder, graph } = initial;
    const { population } = prepared;
    const regression = await openBoundRegression({
      model: { graph, manifest: folder.manifest },
      population,
      binding: bind(folder, population),
    });
    for (const i of weights.ids.keys()) expect(regression!.deviationOf(rowOf(i))).toBeCloseTo(1, 4);
    await regression!.close();
    const again = await regressCampaigns(prepared, initial, train(), { seed: 1, device: CPU });
    expect(again).toEqual(all);
  });

  it('is empty for too few campaigns', async () => {
    expect(await regressCampaigns(prepared, initial, train().slice(0, 3), { seed: 1, device: CPU })).toEqual([]);
  });
});

describe('priorsBefore', () => {
  it('spans the weights of the campaigns, with their second moments', () => {
    const { rank, width, directions } = priorsBefore([weights])[0]!;
    const count = weights.ids.length;
    expect(rank).toBeLessThanOrEqual(count);
    // sum of d d' is the mean of w w'
    for (const [s, t] of [
      [0, 0],
      [1, 2],
      [3, 3],
    ] as const) {
      let [ours, theirs] = [0, 0];
      for (let r = 0; r < rank; r++) ours += directions[r * width + s]! * directions[r * width + t]!;
      for (let i = 0; i < count; i++) theirs += (rowOf(i)[s]! * rowOf(i)[t]!) / count;
      expect(ours).toBeCloseTo(theirs, 3);
    }
  });

  it('knows nothing of the campaigns of a future', () => {
    const [first, ...rest] = weights.ids;
    const [before] = priorsBefore([weights], [first!]);
    expect(before!.rank).toBeLessThan(weights.ids.length);
    const others: CampaignWeights = {
      ...weights,
      ids: rest,
      weights: weights.weights.slice(weights.width),
      products: weights.products.filter((_, k) => k % weights.ids.length > 0 && k >= weights.ids.length),
    };
    expect([before]).toEqual(priorsBefore([others]));
    expect(priorsBefore([weights], weights.ids)).toMatchObject([{ rank: 0, campaigns: [] }]);
  });
});

describe('readPriors', () => {
  const folderOf = (bytes: Uint8Array, campaigns: unknown = ['a']) =>
    ({
      path: 'the model',
      manifest: { adaptation: { ...DEFAULT_DESCENT, priors: [{ power: 0.25, rank: 2 }] } },
      read: (file: string) => (file === PRIOR_FILE ? bytes : Buffer.from(JSON.stringify(campaigns))),
    }) as unknown as ModelFolder;
  const bytesOf = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);

  it('reads the directions of each power, and the coordinates of the campaigns', () => {
    const [prior, ...rest] = readPriors(folderOf(bytesOf([1, 2, 3, 4, 5, 6, 7, 8])), 3);
    expect(rest).toEqual([]);
    expect(prior).toEqual({
      ...{ power: 0.25, rank: 2, width: 3, campaigns: ['a'] },
      directions: Float32Array.of(1, 2, 3, 4, 5, 6),
      coordinates: Float32Array.of(7, 8),
    });
    const files = encodePriors([prior!]);
    expect(files.get(PRIOR_FILE)).toEqual(Buffer.from(bytesOf([1, 2, 3, 4, 5, 6, 7, 8])));
  });

  it('refuses anything but a list of campaigns', () => {
    expect(() => readPriors(folderOf(bytesOf([1]), { a: 1 }), 3)).toThrow('prior-campaigns.json is not a list of ids');
  });

  it.each([
    [
      'another number of bytes',
      bytesOf([1, 2, 3, 4]),
      'prior.f32 has 16 bytes, but its 2 directions need 32 (3 weights and 1 campaigns each)',
    ],
    ['NaN', bytesOf([1, 2, 3, 4, 5, 6, 7, Number.NaN]), 'prior.f32 contains NaN or infinity'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readPriors(folderOf(bytes), 3)).toThrow(message);
  });
});

describe("a campaign's own weights", () => {
  it('are not in the prior that it is expanded with', async () => {
    const { folder, graph } = initial;
    const { population } = prepared;
    const binding = bind(folder, population);
    const count = weights.ids.length;
    const [campaign] = train();
    const rows = Int32Array.from(campaign!.seeds.length > 0 ? campaign!.seeds : campaign!.train.users.slice(0, 8));
    const weightsWith = async (priors: ReturnType<typeof priorsBefore>, prior: number, id: string | null) => {
      const model = { graph, manifest: folder.manifest, priors };
      const regression = await openBoundRegression({ model, population, binding });
      const users = encodeUsers(graph, binding, population.readRows(rows), {});
      const own = await regression!.forUsers(users, rows.length, null, id);
      const [fitted] = own.fit(Int32Array.from(rows.keys()), [{ strength: 0.03, power: 0.25, prior }]);
      await regression!.close();
      return fitted!.elements;
    };
    const all4 = priorsBefore(all);
    const expected = await weightsWith(priorsBefore(all, [campaign!.id]), (4 * (count - 1)) / count, null);
    const left = await weightsWith(all4, 4, campaign!.id);
    const known = await weightsWith(all4, 4, null);
    const furthest = (a: Float64Array, b: Float64Array) => Math.max(...a.map((x, t) => Math.abs(x - b[t]!)));
    const size = Math.max(...expected.map(Math.abs));
    expect(furthest(left, expected)).toBeLessThan(0.01 * size);
    expect(furthest(known, expected)).toBeGreaterThan(0.05 * size);
  });
});

describe('a model with a prior', () => {
  const priors = () => priorsBefore(all);
  const exportWith = async (strength: number | null) => {
    const out = join(newFolder(root), 'model');
    const own = priors();
    const form = { kind: 'regression' as const, strength: 0.2, power: 0.25 };
    await exportModel(
      prepared,
      initial,
      initial.graph.initializers,
      out,
      {
        ...{ name: 'prior', created: '2026-01-01T00:00:00.000Z', evaluation: null, training: {} },
        adaptation: withStack(
          withPriors(DEFAULT_DESCENT, own),
          [strength === null ? form : { ...form, prior: strength }],
          [
            { few: 0, many: 0 },
            { few: 1, many: 1 },
          ],
        ),
      },
      own,
    );
    return loadModel(out, { device: CPU });
  };

  it('is exported with it, and ranks differently', async () => {
    const [without, drawn] = [await exportWith(null), await exportWith(100)];
    expect(without.priors).toEqual([]);
    expect(without.manifest.files[PRIOR_FILE]).toBeUndefined();
    expect(drawn.priors).toEqual([priors()[1]]);
    const trials = testTrials(prepared.history.campaigns);
    const aucsOf = async (model: typeof drawn) => {
      const { qualities } = await modelMethod('x', prepared, model).run(trials, { repeats: 1, seed: 1, device: CPU });
      return qualities.map(({ repeats }) => repeats[0]!.auc);
    };
    expect(await aucsOf(drawn)).not.toEqual(await aucsOf(without));
  });
});
