/** Loading a model: refusals beyond checksums, each with its message. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  Builder,
  type DataType,
  type Graph,
  type Shape,
  type Tensor,
  tensor,
  type Value,
  writeModel,
} from '../../packages/onnx-grad/index.ts';
import { ModelProtoSchema } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { buildMetaHeac, type MetaHeacConfig, randomInitial } from '../../src/model/architectures/metaheac.ts';
import { encodePriors } from '../../src/model/campaign-prior.ts';
import { writeModelFolder } from '../../src/model/folder.ts';
import { loadModel } from '../../src/model/load.ts';
import { type DescentSettings, type Manifest, parametersOf } from '../../src/model/manifest.ts';
import { useFolders } from '../fixture/folders.ts';
import { changeManifest, replaceFile, TINY, tinyGraph, unversionedModel, writeTinyModel } from './tiny-model.ts';

const newFolder = useFolders();

async function refusalOf(path: string): Promise<string> {
  const error: unknown = await loadModel(path).then(
    () => expect.fail('the model is not refused'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_model' });
  expect((error as Error).message).toContain(`model ${path}: `);
  return (error as Error).message;
}

/** The parts of a small model, each of which a test may replace. */
interface Parts {
  readonly inputs: readonly (readonly [name: string, dtype: DataType, shape: Shape])[];
  readonly table: Tensor;
  /** The score, out of the rows that the ids look up, `[batch, 2]`. */
  readonly score: (b: Builder, rows: Value) => Value;
  readonly manifest: Partial<Manifest>;
  readonly ids: Manifest['golden_batch']['inputs'][string];
}

const meanOf = (b: Builder, rows: Value): Value => b.add('ReduceMean', [rows, b.ints([1])], { keepdims: 0 });
const probability = (b: Builder, x: Value): Value => b.add('Sigmoid', [x], {}, { outputs: ['score'] });

const PARTS: Parts = {
  inputs: [['user.age', 'int32', ['batch']]],
  table: tensor('float32', [4, 2], [0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, 0.8]),
  score: (b, rows) => probability(b, meanOf(b, rows)),
  manifest: {},
  ids: { shape: [3], data: [0, 1, 3] },
};

function graphOf({ inputs, table, score }: Parts): Graph {
  const b = new Builder();
  const [first] = inputs.map(([name, dtype, shape]) => b.input(name, dtype, shape));
  const rows = b.add('Gather', [b.initializer('table', table), first!], { axis: 0 });
  return b.build('model', [score(b, rows)]);
}

/** Writes a model of one user feature, `age` with 3 tokens. */
function writeSmallModel(path: string, change: Partial<Parts> = {}): void {
  const parts = { ...PARTS, ...change };
  const mean = (row: number) =>
    1 / (1 + Math.exp(-(Number(PARTS.table.data[2 * row] ?? 0) + Number(PARTS.table.data[2 * row + 1] ?? 0)) / 2));
  writeModelFolder(path, {
    files: new Map([['model.onnx', writeModel(graphOf(parts))]]),
    vocabularies: new Map([['user.age', ['young', 'old', 'older']]]),
    manifest: {
      name: 'small',
      created: '2026-11-25T12:00:00.000Z',
      features: { user: [{ name: 'age', kind: 'single', vocabulary_size: 4 }], campaign: [] },
      adapted_parameters: 'all',
      adaptation: {
        optimiser: 'adam',
        rate: 0.01,
        epochs: 1,
        batch: 8,
        negatives_per_seed: 1,
        resample_negatives: false,
        early_stopping: null,
      },
      evaluation: null,
      training: null,
      golden_batch: { inputs: { 'user.age': parts.ids }, scores: parts.ids.data.map((id) => mean(id!)) },
      ...parts.manifest,
    },
  });
}

describe('loadModel', () => {
  it('loads a sound MetaHeac', async () => {
    const path = newFolder();
    const { version } = await writeTinyModel(path);
    const model = await loadModel(path);
    expect(model.manifest.version).toBe(version);
    expect(model.adapted).toEqual([...tinyGraph().initializers.keys()]);
  });

  it.each([
    ['int32', 'batch'],
    ['int64', 'N'],
  ] as const)('loads another architecture whose ids are %s of [%s]', async (dtype, dim) => {
    const path = newFolder();
    writeSmallModel(path, { inputs: [['user.age', dtype, [dim]]] });
    expect((await loadModel(path)).adapted).toEqual(['table']);
  });

  it('adapts the parameters that the manifest names', async () => {
    const path = newFolder();
    await writeTinyModel(path, ({ manifest }) => ({
      manifest: { ...manifest, adapted_parameters: ['critics.bias', 'user.age.embedding'] },
    }));
    expect((await loadModel(path)).adapted).toEqual(['critics.bias', 'user.age.embedding']);
  });

  it('accepts campaign inputs with one row per user', async () => {
    const path = newFolder();
    writeSmallModel(path, {
      inputs: [
        ['user.age', 'int32', ['batch']],
        ['campaign.topic', 'int64', ['batch']],
      ],
      score: (b, rows) => {
        const topics = b.initializer('topics', tensor('float32', [2], [0.1, 0.2]));
        const topic = b.add('Gather', [topics, b.get('campaign.topic')], { axis: 0 });
        return probability(b, b.add('Add', [meanOf(b, rows), b.add('Mul', [topic, b.scalar(0, topic)])]));
      },
    });
    const words = JSON.stringify(['sport']);
    replaceFile(path, 'vocabulary/campaign.topic.json', words);
    changeManifest(path, (manifest) => {
      manifest.features.campaign = [{ name: 'topic', kind: 'single', vocabulary_size: 2 }];
      manifest.golden_batch.inputs['campaign.topic'] = { shape: [3], data: [0, 1, 1] };
    });
    expect((await loadModel(path)).adapted).toEqual(['table', 'topics']);
  });
});

describe('a model whose weights are in another file of its folder', () => {
  const kept = (location: string) => {
    const graph = graphOf(PARTS);
    const proto = fromBinary(ModelProtoSchema, writeModel(graph));
    Object.assign(proto.graph!.initializer[0]!, {
      rawData: new Uint8Array(0),
      dataLocation: 1,
      externalData: [{ $typeName: 'onnx.StringStringEntryProto', key: 'location', value: location }],
    });
    return toBinary(ModelProtoSchema, proto);
  };
  const weights = new Uint8Array((PARTS.table.data as Float32Array).buffer);

  it('is loaded, with a checksum like any other file', async () => {
    const path = newFolder();
    writeSmallModel(path);
    replaceFile(path, 'data/weights.bin', weights);
    replaceFile(path, 'model.onnx', kept('./data/weights.bin'));
    expect((await loadModel(path)).graph.initializers.get('table')).toEqual(PARTS.table);
    writeFileSync(join(path, 'data/weights.bin'), new Uint8Array(32));
    expect(await refusalOf(path)).toContain('data/weights.bin does not match the manifest');
  });

  it.each([
    ['../weights.bin', `model.onnx: external data is in "../weights.bin", which is outside the model's folder`],
    ['weights.bin', 'the manifest does not list weights.bin'],
  ])('is refused when that is %s, outside or in no manifest', async (location, sentence) => {
    const path = newFolder();
    writeSmallModel(path);
    writeFileSync(join(path, 'weights.bin'), weights);
    replaceFile(path, 'model.onnx', kept(location));
    expect(await refusalOf(path)).toContain(sentence);
  });
});

describe('loadModel refuses', () => {
  it('a torn model.onnx with correct checksums', async () => {
    const path = newFolder();
    await writeTinyModel(path, ({ files }) => ({
      files: new Map([['model.onnx', files.get('model.onnx')!.subarray(0, 500)]]),
    }));
    expect(await refusalOf(path)).toContain('model.onnx: ');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s in the weights', async (value) => {
    const path = newFolder();
    const graph = tinyGraph();
    (graph.initializers.get('experts.1.weight')!.data as Float32Array)[5] = value;
    await writeTinyModel(path, () => ({ files: new Map([['model.onnx', writeModel(graph)]]) }));
    expect(await refusalOf(path)).toContain('parameter "experts.1.weight" contains NaN or infinity');
  });

  it('a golden batch that is not reproduced, naming the score', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    let expected = 0;
    changeManifest(path, ({ golden_batch: { scores } }) => {
      scores[2]! += 2e-5;
      expected = scores[2]!;
    });
    expect(await refusalOf(path)).toMatch(
      new RegExp(`the golden batch is not reproduced: score 2 is 0\\.\\d+, not ${expected} \\(tolerance 0\\.00001\\)`),
    );
  });

  it('other weights under the same golden batch', async () => {
    const path = newFolder();
    const other = buildMetaHeac(TINY, randomInitial(createRng('other')));
    await writeTinyModel(path, () => ({ files: new Map([['model.onnx', writeModel(other)]]) }));
    expect(await refusalOf(path)).toContain('the golden batch is not reproduced');
  });

  it('a golden batch that is missing an input, or whose data do not fill its shape', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    changeManifest(path, ({ golden_batch: { inputs } }) => {
      inputs['user.tags']!.data.pop();
    });
    expect(await refusalOf(path)).toContain('the golden batch lacks a valid input "user.tags"');
    changeManifest(path, ({ golden_batch: { inputs } }) => {
      delete inputs['user.tags'];
    });
    expect(await refusalOf(path)).toContain('the golden batch lacks a valid input "user.tags"');
  });

  it('a golden batch of another number of scores', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    changeManifest(path, ({ golden_batch: { scores } }) => {
      scores.push(0.5);
    });
    expect(await refusalOf(path)).toContain('the golden batch produces 4 scores, not 5');
  });

  it.each([
    ['an id past the table', { shape: [3], data: [0, 1, 4] }],
    ['another rank', { shape: [3, 1], data: [0, 1, 3] }],
  ])('a golden batch that cannot be run: %s', async (_, ids) => {
    const path = newFolder();
    writeSmallModel(path, { ids });
    expect(await refusalOf(path)).toContain('the golden batch cannot be run: ');
  });

  it('a vocabulary that is larger than its table', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    replaceFile(path, 'vocabulary/user.tags.json', JSON.stringify(['a', 'b', 'c', 'd', 'e', 'f']));
    changeManifest(path, ({ features }) => {
      features.user[1]!['vocabulary_size'] = 7;
    });
    expect(await refusalOf(path)).toContain('the model cannot score the highest ids of its vocabularies: ');
  });

  it('an input of the schema that the graph lacks', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    replaceFile(path, 'vocabulary/user.city.json', '["Rome"]');
    changeManifest(path, ({ features }) => {
      features.user.push({ name: 'city', kind: 'single', vocabulary_size: 2 });
    });
    expect(await refusalOf(path)).toContain('model.onnx has no input "user.city"');
  });

  it.each(['user.tags.length', 'extra'])('an input of no feature: %s', async (name) => {
    const path = newFolder();
    writeSmallModel(path, {
      inputs: [
        ['user.age', 'int32', ['batch']],
        [name, 'int32', ['batch']],
      ],
    });
    expect(await refusalOf(path)).toContain(
      `model.onnx has an input "${name}" that belongs to no feature of the manifest`,
    );
  });

  it.each<[DataType, Shape, string]>([
    ['int32', ['batch', 2], 'int32[batch, 2]'],
    ['int64', [], 'int64[]'],
  ])('an input of %s%j', async (dtype, shape, text) => {
    const path = newFolder();
    writeSmallModel(path, {
      inputs: [['user.age', dtype, shape]],
      score: (b, rows) => probability(b, b.add('Reshape', [b.add('ReduceMean', [rows]), b.ints([-1])])),
    });
    expect(await refusalOf(path)).toContain(`input "user.age" is ${text}, not int32 or int64 of [batch]`);
  });

  it('ids that are numbers', async () => {
    const path = newFolder();
    const b = new Builder();
    const age = b.input('user.age', 'float32', ['batch']);
    const weight = b.initializer('table', tensor('float32', [], [1]));
    const graph = b.build('model', [probability(b, b.add('Mul', [age, weight]))]);
    writeSmallModel(path);
    replaceFile(path, 'model.onnx', writeModel(graph));
    expect(await refusalOf(path)).toContain('input "user.age" is float32[batch], not int32 or int64 of [batch]');
  });

  it('a batch of one fixed size, which could score nothing else', async () => {
    const path = newFolder();
    writeSmallModel(path, { inputs: [['user.age', 'int32', [3]]] });
    expect(await refusalOf(path)).toContain('input "user.age" is int32[3], not int32 or int64 of [batch]');
  });

  it('a campaign input of a fixed size that is not 1', async () => {
    const path = newFolder();
    writeSmallModel(path, {
      inputs: [
        ['user.age', 'int32', ['batch']],
        ['campaign.topic', 'int32', [3]],
      ],
    });
    replaceFile(path, 'vocabulary/campaign.topic.json', '[]');
    changeManifest(path, ({ features }) => {
      features.campaign = [{ name: 'topic', kind: 'single', vocabulary_size: 1 }];
    });
    expect(await refusalOf(path)).toContain('input "campaign.topic" is int32[3], not int32 or int64 of [1] or [batch]');
  });

  it('a list of another maximum length', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    changeManifest(path, ({ features }) => {
      features.user[1]!['max_length'] = 5;
    });
    expect(await refusalOf(path)).toContain('input "user.tags" is int32[batch, 3], not int32 or int64 of [batch, 5]');
  });

  it.each<[string, Parts['score'], string]>([
    ['another rank', (b, rows) => probability(b, rows), '"score" float32[batch, 2]'],
    [
      'another type',
      (b, rows) => b.add('Cast', [meanOf(b, rows)], { to: 'float64' }, { outputs: ['score'] }),
      '"score" float64[batch]',
    ],
    [
      'one score for all users',
      (b, rows) => probability(b, b.add('ReduceMean', [rows, b.ints([0])], { keepdims: 0 })),
      '"score" float32[2]',
    ],
  ])('a first output of %s', async (_, score, text) => {
    const path = newFolder();
    writeSmallModel(path, { score });
    expect(await refusalOf(path)).toContain(`the first output is ${text}, not "score" float32[batch]`);
  });

  it('an op without a gradient on the way from the score to a parameter: op, node and path', async () => {
    const path = newFolder();
    writeSmallModel(path, {
      score: (b, rows) => {
        const start = b.add('ReduceSum', [rows], { keepdims: 0 }, { name: 'tower/sum' });
        // from start to start: empty, so that the scores are the same
        const range = b.add('Range', [start, start, b.scalar(1, start)], {}, { name: 'tower/range' });
        const nothing = b.add('ReduceSum', [range], { keepdims: 0 }, { name: 'tower/nothing' });
        const both = b.add('Add', [meanOf(b, rows), nothing], {}, { name: 'tower/add' });
        return b.add('Sigmoid', [both], {}, { name: 'head', outputs: ['score'] });
      },
    });
    expect((await refusalOf(path)).split(': ').slice(1).join(': ')).toMatchInlineSnapshot(
      '"Range node "tower/range" cannot be differentiated: a Range has no gradient with respect to its ' +
        'start, limit and delta (path from the loss: loss <- head <- tower/add <- tower/nothing <- ' +
        'tower/range)"',
    );
  });

  it('adapted parameters that are not there, or that the score does not depend on', async () => {
    const path = newFolder();
    writeSmallModel(path, { manifest: { adapted_parameters: ['table', 'tower'] } });
    expect(await refusalOf(path)).toContain('adapted parameter "tower" is not in model.onnx');
    writeSmallModel(path, {
      manifest: { adapted_parameters: ['cut'] },
      score: (b, rows) => {
        const cut = b.initializer('cut', tensor('float32', [], [-9]));
        const isHigh = b.add('Less', [cut, meanOf(b, rows)]);
        return probability(b, b.add('Where', [isHigh, meanOf(b, rows), b.scalar(0, 'float32')]));
      },
    });
    expect(await refusalOf(path)).toContain('adapted parameter "cut" has no gradient');
  });

  it('a float64 parameter, which Adam does not support here', async () => {
    const path = newFolder();
    writeSmallModel(path, {
      table: tensor('float64', [4, 2], Array.from(PARTS.table.data as Float32Array)),
      score: (b, rows) => probability(b, b.add('Cast', [meanOf(b, rows)], { to: 'float32' })),
    });
    expect(await refusalOf(path)).toContain('adapted parameter "table" is float64[4, 2]: only float32 can be adapted');
  });

  it('rates for other parameters than the adapted ones', async () => {
    const path = newFolder();
    await writeTinyModel(path);
    changeManifest(path, (manifest) => {
      manifest['adaptation'] = {
        optimiser: 'gradient_descent',
        rates: { 'critics.wrong': 1 },
        steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
        negatives_per_seed: 10,
        first_pass: null,
      };
    });
    expect(await refusalOf(path)).toContain('the adaptation changes critics.wrong, but ');
  });

  describe('a companion', () => {
    const CONFIG: MetaHeacConfig = { ...TINY, heads: { latent: 2 } };
    const write = async (path: string, parameters: readonly string[], accompanied: string): Promise<void> => {
      const unversioned = await unversionedModel(tinyGraph(CONFIG), CONFIG);
      const adaptation: Manifest['adaptation'] = {
        optimiser: 'gradient_descent',
        rates: Object.fromEntries(parameters.map((name) => [name, 1])),
        steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
        negatives_per_seed: 10,
        first_pass: null,
        companion: { strengths: { [accompanied]: 0.1 }, weight: 0.5 },
      };
      writeModelFolder(path, {
        ...unversioned,
        manifest: { ...unversioned.manifest, adapted_parameters: [...parameters], adaptation },
      });
    };

    it('is loaded when it names adapted parameters that only shift logits', async () => {
      const path = newFolder();
      await write(path, [HEADS.wide, HEADS.bias], HEADS.wide);
      expect((await loadModel(path)).adapted).toEqual([HEADS.wide, HEADS.bias]);
    });

    it('with a strength for a parameter that has no rate', async () => {
      const path = newFolder();
      await write(path, [HEADS.wide, HEADS.bias], HEADS.query);
      expect(await refusalOf(path)).toContain(
        'the logistic regression has a strength for heads.query, which has no rate',
      );
    });

    it('beside a parameter that does more than shift logits', async () => {
      const path = newFolder();
      // each critic has a bias of its own
      await write(path, [HEADS.wide, 'critics.bias'], HEADS.wide);
      expect(await refusalOf(path)).toContain(
        'gradient descent needs parameters that only shift logits, but heads.wide, critics.bias have other effects',
      );
    });

    it('beside a parameter that is not there', async () => {
      const path = newFolder();
      await write(path, [HEADS.wide, 'heads.deep'], HEADS.wide);
      expect(await refusalOf(path)).toContain('adapted parameter "heads.deep" is not in model.onnx');
      await write(path, ['heads.deep'], 'heads.deep');
      expect(await refusalOf(path)).toContain('adapted parameter "heads.deep" is not in model.onnx');
    });
  });

  describe('a regression', () => {
    const CONFIG: MetaHeacConfig = { ...TINY, heads: { latent: 2 } };
    const write = async (path: string, rated: readonly string[], parameter: string): Promise<void> => {
      const unversioned = await unversionedModel(tinyGraph(CONFIG), CONFIG);
      const adaptation: DescentSettings = {
        optimiser: 'gradient_descent',
        rates: Object.fromEntries(rated.map((name) => [name, 1])),
        steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
        negatives_per_seed: 10,
        first_pass: null,
        regression: { parameter, strength: 0.015, power: 0.125, weight: 0.5 },
      };
      writeModelFolder(path, {
        ...unversioned,
        manifest: { ...unversioned.manifest, adapted_parameters: parametersOf(adaptation), adaptation },
      });
    };

    it('is loaded when it names a table of user features beside parameters that only shift logits', async () => {
      const path = newFolder();
      await write(path, [HEADS.wide, HEADS.bias], HEADS.regression);
      expect((await loadModel(path)).adapted).toEqual([HEADS.wide, HEADS.bias, HEADS.regression]);
    });

    it('on a parameter that is not a table', async () => {
      const path = newFolder();
      await write(path, [HEADS.wide], HEADS.bias);
      expect(await refusalOf(path)).toContain(
        'the regression needs a table of user features, but heads.bias is not one',
      );
    });

    it('beside a parameter that does more than shift logits', async () => {
      const path = newFolder();
      await write(path, ['critics.bias'], HEADS.regression);
      expect(await refusalOf(path)).toContain(
        'gradient descent needs parameters that only shift logits, but critics.bias, heads.regression have other effects',
      );
    });
  });

  describe('a stack', () => {
    const CONFIG: MetaHeacConfig = { ...TINY, heads: { latent: 2 } };
    const EVEN = { few: 1, many: 1 };
    const COMPANION = { strengths: { [HEADS.wide]: 0.1 }, ...EVEN };
    const DRAWN = { strength: 0.05, power: 0.25, prior: 4, ...EVEN };
    const write = async (
      path: string,
      parts: Partial<NonNullable<DescentSettings['stack']>>,
      priors?: DescentSettings['priors'],
    ): Promise<readonly string[]> => {
      const unversioned = await unversionedModel(tinyGraph(CONFIG), CONFIG);
      const adaptation: DescentSettings = {
        optimiser: 'gradient_descent',
        rates: { [HEADS.wide]: 1 },
        steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
        negatives_per_seed: 10,
        first_pass: null,
        stack: { parameter: HEADS.regression, heads: EVEN, companions: [], regressions: [], ...parts },
        ...(priors ? { priors } : {}),
      };
      const adapted_parameters = parametersOf(adaptation);
      const width = tinyGraph(CONFIG).initializers.get(HEADS.regression)!.data.length;
      const campaigns = ['c1', 'c2'];
      const made = (priors ?? []).map(({ power, rank }) => ({
        ...{ power, rank, width, campaigns },
        directions: new Float32Array(rank * width).fill(1),
        coordinates: new Float32Array(rank * campaigns.length),
      }));
      writeModelFolder(path, {
        ...unversioned,
        files: new Map([...unversioned.files, ...encodePriors(made)]),
        manifest: { ...unversioned.manifest, adapted_parameters, adaptation },
      });
      return adapted_parameters;
    };

    it('is loaded with the priors of its regressions', async () => {
      const path = newFolder();
      const priors = [
        { power: 0, rank: 1 },
        { power: 0.25, rank: 2 },
      ];
      expect(await write(path, { regressions: [DRAWN] }, priors)).toEqual([HEADS.wide, HEADS.regression]);
      expect((await loadModel(path)).priors!.map(({ power, rank }) => ({ power, rank }))).toEqual(priors);
    });

    it('is loaded without a regression, and does not adapt the parameter of one', async () => {
      const path = newFolder();
      expect(await write(path, { companions: [COMPANION] })).toEqual([HEADS.wide]);
      expect((await loadModel(path)).adapted).toEqual([HEADS.wide]);
    });

    it('with a regression whose prior has a power that the model lacks', async () => {
      const path = newFolder();
      for (const priors of [undefined, [{ power: 0, rank: 1 }]]) {
        await write(path, { regressions: [DRAWN] }, priors);
        expect(await refusalOf(path)).toContain(
          'a regression with power 0.25 has a prior, but `priors` has no prior with that power',
        );
      }
    });

    it('in which no part has a weight', async () => {
      const path = newFolder();
      const none = { few: 0, many: 0 };
      for (const regressions of [[], [{ strength: 0.05, power: 0, ...none }]]) {
        await write(path, { heads: none, regressions });
        expect(await refusalOf(path)).toContain('no part of the stack has a weight');
      }
    });

    it('with two priors with the same power', async () => {
      const path = newFolder();
      const prior = { power: 0.25, rank: 1 };
      await write(path, { regressions: [DRAWN] }, [prior, prior]);
      expect(await refusalOf(path)).toContain('the model has two priors with power 0.25');
    });

    it.each([
      ['companions', 64, COMPANION],
      ['regressions', 64, { strength: 0.05, power: 0.25, ...EVEN }],
    ] as const)('with more %s than %i', async (part, most, one) => {
      const path = newFolder();
      await write(path, { [part]: [one] });
      changeManifest(path, (manifest) => {
        (manifest['adaptation'] as DescentSettings).stack![part] = Array(most + 1).fill(one);
      });
      expect(await refusalOf(path)).toContain(`adaptation.stack.${part}`);
    });

    it('with more than eight priors', async () => {
      const path = newFolder();
      await write(path, {});
      changeManifest(path, (manifest) => {
        (manifest['adaptation'] as DescentSettings).priors = Array.from({ length: 9 }, (_, i) => ({
          power: i / 10,
          rank: 1,
        }));
      });
      expect(await refusalOf(path)).toContain('adaptation.priors');
    });
  });

  it('a model with nothing to adapt', async () => {
    const path = newFolder();
    const b = new Builder();
    const age = b.input('user.age', 'int32', ['batch']);
    const graph = b.build('model', [probability(b, b.add('Cast', [age], { to: 'float32' }))]);
    writeSmallModel(path);
    replaceFile(path, 'model.onnx', writeModel(graph));
    expect(await refusalOf(path)).toContain('the model has no float parameter on which the score depends');
  });
});
