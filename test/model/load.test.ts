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
import { type UnversionedModel, writeModelFolder } from '../../src/model/folder.ts';
import { loadModel } from '../../src/model/load.ts';
import { type DescentSettings, type Manifest, parametersOf } from '../../src/model/manifest.ts';
import { useFolders } from '../fixture/folders.ts';
import {
  changeManifest,
  type PlainManifest,
  replaceFile,
  TINY,
  tinyGraph,
  unversionedModel,
  writeTinyModel,
} from './tiny-model.ts';

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

describe('loadModel refuses a small model with', () => {
  const AGE: Parts['inputs'][number] = ['user.age', 'int32', ['batch']];
  const flat: Parts['score'] = (b, rows) =>
    probability(b, b.add('Reshape', [b.add('ReduceMean', [rows]), b.ints([-1])]));
  const expects = (shape: string) => `input "user.age" is ${shape}, not int32 or int64 of [batch]`;
  const output = (type: string) => `the first output is "score" ${type}, not "score" float32[batch]`;

  it.each<[string, Partial<Parts>, string]>([
    ['an id past the table', { ids: { shape: [3], data: [0, 1, 4] } }, 'the golden batch cannot be run: '],
    ...['user.tags.length', 'extra'].map((name): [string, Partial<Parts>, string] => [
      `an input ${name} of no feature`,
      { inputs: [AGE, [name, 'int32', ['batch']]] },
      `model.onnx has an input "${name}" that belongs to no feature of the manifest`,
    ]),
    ['an input of rank 2', { inputs: [['user.age', 'int32', ['batch', 2]]], score: flat }, expects('int32[batch, 2]')],
    ['a batch of one fixed size', { inputs: [['user.age', 'int32', [3]]] }, expects('int32[3]')],
    [
      'a score of double',
      { score: (b, rows) => b.add('Cast', [meanOf(b, rows)], { to: 'float64' }, { outputs: ['score'] }) },
      output('float64[batch]'),
    ],
    [
      'one score for all users',
      { score: (b, rows) => probability(b, b.add('ReduceMean', [rows, b.ints([0])], { keepdims: 0 })) },
      output('float32[2]'),
    ],
    [
      'an adapted parameter that is not there',
      { manifest: { adapted_parameters: ['table', 'tower'] } },
      'adapted parameter "tower" is not in model.onnx',
    ],
    [
      'an adapted parameter without a gradient',
      {
        manifest: { adapted_parameters: ['cut'] },
        score: (b, rows) => {
          const cut = b.initializer('cut', tensor('float32', [], [-9]));
          const isHigh = b.add('Less', [cut, meanOf(b, rows)]);
          return probability(b, b.add('Where', [isHigh, meanOf(b, rows), b.scalar(0, 'float32')]));
        },
      },
      'adapted parameter "cut" has no gradient',
    ],
    [
      'a float64 parameter, which Adam does not support here',
      {
        table: tensor('float64', [4, 2], Array.from(PARTS.table.data as Float32Array)),
        score: (b, rows) => probability(b, b.add('Cast', [meanOf(b, rows)], { to: 'float32' })),
      },
      'adapted parameter "table" is float64[4, 2]: only float32 can be adapted',
    ],
    [
      // from start to start: empty, so that the scores are the same
      'an op without a gradient on the way to a parameter',
      {
        score: (b, rows) => {
          const start = b.add('ReduceSum', [rows], { keepdims: 0 }, { name: 'tower/sum' });
          const range = b.add('Range', [start, start, b.scalar(1, start)], {}, { name: 'tower/range' });
          const nothing = b.add('ReduceSum', [range], { keepdims: 0 }, { name: 'tower/nothing' });
          const both = b.add('Add', [meanOf(b, rows), nothing], {}, { name: 'tower/add' });
          return b.add('Sigmoid', [both], {}, { name: 'head', outputs: ['score'] });
        },
      },
      'Range node "tower/range" cannot be differentiated: a Range has no gradient with respect to its start, limit ' +
        'and delta (path from the loss: loss <- head <- tower/add <- tower/nothing <- tower/range)',
    ],
  ])('%s', async (_, change, sentence) => {
    const path = newFolder();
    writeSmallModel(path, change);
    expect(await refusalOf(path)).toContain(sentence);
  });

  it.each<[string, (b: Builder) => Value, string]>([
    [
      'ids that are numbers',
      (b) =>
        b.add('Mul', [b.input('user.age', 'float32', ['batch']), b.initializer('table', tensor('float32', [], [1]))]),
      expects('float32[batch]'),
    ],
    [
      'nothing to adapt',
      (b) => b.add('Cast', [b.input('user.age', 'int32', ['batch'])], { to: 'float32' }),
      'the model has no float parameter on which the score depends',
    ],
  ])('%s', async (_, logit, sentence) => {
    const path = newFolder();
    const b = new Builder();
    writeSmallModel(path);
    replaceFile(path, 'model.onnx', writeModel(b.build('model', [probability(b, logit(b))])));
    expect(await refusalOf(path)).toContain(sentence);
  });

  it('a campaign input of a fixed size that is not 1', async () => {
    const path = newFolder();
    writeSmallModel(path, { inputs: [AGE, ['campaign.topic', 'int32', [3]]] });
    replaceFile(path, 'vocabulary/campaign.topic.json', '[]');
    changeManifest(path, ({ features }) => {
      features.campaign = [{ name: 'topic', kind: 'single', vocabulary_size: 1 }];
    });
    expect(await refusalOf(path)).toContain('input "campaign.topic" is int32[3], not int32 or int64 of [1] or [batch]');
  });
});

describe('loadModel refuses a MetaHeac with', () => {
  it.each<[string, (unversioned: UnversionedModel) => Uint8Array, string]>([
    [
      'a torn model.onnx with correct checksums',
      ({ files }) => files.get('model.onnx')!.subarray(0, 500),
      'model.onnx: ',
    ],
    [
      'other weights under the same golden batch',
      () => writeModel(buildMetaHeac(TINY, randomInitial(createRng('other')))),
      'the golden batch is not reproduced',
    ],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(
      (value): [string, () => Uint8Array, string] => [
        `${value} in the weights`,
        () => {
          const graph = tinyGraph();
          (graph.initializers.get('experts.1.weight')!.data as Float32Array)[5] = value;
          return writeModel(graph);
        },
        'parameter "experts.1.weight" contains NaN or infinity',
      ],
    ),
  ])('%s', async (_, made, sentence) => {
    const path = newFolder();
    await writeTinyModel(path, (unversioned) => ({ files: new Map([['model.onnx', made(unversioned)]]) }));
    expect(await refusalOf(path)).toContain(sentence);
  });

  it.each<[string, (manifest: PlainManifest) => void, string | RegExp, file?: [string, string]]>([
    [
      'a golden batch that is not reproduced',
      ({ golden_batch: { scores } }) => void scores.splice(2, 1, 0.987),
      /the golden batch is not reproduced: score 2 is 0\.\d+, not 0\.987 \(tolerance 0\.00001\)/,
    ],
    [
      'a golden batch whose data do not fill their shape',
      ({ golden_batch: { inputs } }) => void inputs['user.tags']!.data.pop(),
      'the golden batch lacks a valid input "user.tags"',
    ],
    [
      'a golden batch of another number of scores',
      ({ golden_batch: { scores } }) => void scores.push(0.5),
      'the golden batch produces 4 scores, not 5',
    ],
    [
      'a vocabulary that is larger than its table',
      ({ features }) => void Object.assign(features.user[1]!, { vocabulary_size: 7 }),
      'the model cannot score the highest ids of its vocabularies: ',
      ['vocabulary/user.tags.json', '["a", "b", "c", "d", "e", "f"]'],
    ],
    [
      'an input of the schema that the graph lacks',
      ({ features }) => void features.user.push({ name: 'city', kind: 'single', vocabulary_size: 2 }),
      'model.onnx has no input "user.city"',
      ['vocabulary/user.city.json', '["Rome"]'],
    ],
    [
      'rates for other parameters than the adapted ones',
      (manifest) => {
        manifest['adaptation'] = {
          optimiser: 'gradient_descent',
          rates: { 'critics.wrong': 1 },
          steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
          negatives_per_seed: 10,
          first_pass: null,
        };
      },
      'the adaptation changes critics.wrong, but ',
    ],
  ])('%s', async (_, change, sentence, file) => {
    const path = newFolder();
    await writeTinyModel(path);
    if (file) replaceFile(path, ...file);
    changeManifest(path, change);
    expect(await refusalOf(path)).toMatch(sentence);
  });
});

describe('a model with heads', () => {
  const CONFIG: MetaHeacConfig = { ...TINY, heads: { latent: 2 } };
  const EVEN = { few: 1, many: 1 };
  const COMPANION = { strengths: { [HEADS.wide]: 0.1 }, weight: 0.5 };
  const REGRESSION = { parameter: HEADS.regression, strength: 0.015, power: 0.125, weight: 0.5 };
  const DRAWN = { strength: 0.05, power: 0.25, prior: 4, ...EVEN };
  const PRIORS = [
    { power: 0, rank: 1 },
    { power: 0.25, rank: 2 },
  ];
  const stack = (parts: Partial<NonNullable<DescentSettings['stack']>>): Partial<DescentSettings> => ({
    stack: { parameter: HEADS.regression, heads: EVEN, companions: [], regressions: [], ...parts },
  });

  /** Writes a model whose settings have rates for the parameters `rated`, and returns its folder. */
  async function write(rated: readonly string[], settings: Partial<DescentSettings>): Promise<string> {
    const path = newFolder();
    const unversioned = await unversionedModel(tinyGraph(CONFIG), CONFIG);
    const adaptation: DescentSettings = {
      optimiser: 'gradient_descent',
      rates: Object.fromEntries(rated.map((name) => [name, 1])),
      steps: { at_50_seeds: 20, exponent: 0, maximum: 100 },
      negatives_per_seed: 10,
      first_pass: null,
      ...settings,
    };
    const width = tinyGraph(CONFIG).initializers.get(HEADS.regression)!.data.length;
    const campaigns = ['c1', 'c2'];
    const made = (settings.priors ?? []).map(({ power, rank }) => ({
      power,
      rank,
      width,
      campaigns,
      directions: new Float32Array(rank * width).fill(1),
      coordinates: new Float32Array(rank * campaigns.length),
    }));
    writeModelFolder(path, {
      ...unversioned,
      files: new Map([...unversioned.files, ...encodePriors(made)]),
      manifest: { ...unversioned.manifest, adapted_parameters: parametersOf(adaptation), adaptation },
    });
    return path;
  }

  it.each<[string, readonly string[], Partial<DescentSettings>, readonly string[]]>([
    ['a companion', [HEADS.wide, HEADS.bias], { companion: COMPANION }, [HEADS.wide, HEADS.bias]],
    ['a regression', [HEADS.wide], { regression: REGRESSION }, [HEADS.wide, HEADS.regression]],
    [
      'a stack with priors',
      [HEADS.wide],
      { ...stack({ regressions: [DRAWN] }), priors: PRIORS },
      [HEADS.wide, HEADS.regression],
    ],
    [
      'a stack without a regression',
      [HEADS.wide],
      stack({ companions: [{ strengths: COMPANION.strengths, ...EVEN }] }),
      [HEADS.wide],
    ],
  ])('is loaded with %s', async (_, rated, settings, adapted) => {
    const model = await loadModel(await write(rated, settings));
    expect(model.adapted).toEqual(adapted);
    expect(model.priors?.map(({ power, rank }) => ({ power, rank })) ?? []).toEqual(settings.priors ?? []);
  });

  const LACKS = 'a regression with power 0.25 has a prior, but `priors` has no prior with that power';
  it.each<[string, readonly string[], Partial<DescentSettings>, string]>([
    [
      'a companion with a strength for a parameter that has no rate',
      [HEADS.wide, HEADS.bias],
      { companion: { ...COMPANION, strengths: { [HEADS.query]: 0.1 } } },
      'the logistic regression has a strength for heads.query, which has no rate',
    ],
    [
      // each critic has a bias of its own
      'a companion beside a parameter that does more than shift logits',
      [HEADS.wide, 'critics.bias'],
      { companion: COMPANION },
      'gradient descent needs parameters that only shift logits, but heads.wide, critics.bias have other effects',
    ],
    [
      'a regression on a parameter that is not a table',
      [HEADS.wide],
      { regression: { ...REGRESSION, parameter: HEADS.bias } },
      'the regression needs a table of user features, but heads.bias is not one',
    ],
    ['a drawn regression without priors', [HEADS.wide], stack({ regressions: [DRAWN] }), LACKS],
    [
      'a stack in which no part has a weight',
      [HEADS.wide],
      stack({ heads: { few: 0, many: 0 }, regressions: [{ strength: 0.05, power: 0, few: 0, many: 0 }] }),
      'no part of the stack has a weight',
    ],
    [
      'two priors with the same power',
      [HEADS.wide],
      { ...stack({ regressions: [DRAWN] }), priors: [PRIORS[1]!, PRIORS[1]!] },
      'the model has two priors with power 0.25',
    ],
  ])('is refused with %s', async (_, rated, settings, sentence) => {
    expect(await refusalOf(await write(rated, settings))).toContain(sentence);
  });

  it.each<[string, (settings: DescentSettings) => void]>([
    ['stack.companions', ({ stack }) => Object.assign(stack!, { companions: Array(65).fill(COMPANION) })],
    ['stack.regressions', ({ stack }) => Object.assign(stack!, { regressions: Array(65).fill(DRAWN) })],
    ['priors', (settings) => Object.assign(settings, { priors: Array(9).fill(PRIORS[0]) })],
  ])('is refused with too many %s', async (field, change) => {
    const path = await write([HEADS.wide], stack({}));
    changeManifest(path, (manifest) => change(manifest['adaptation'] as DescentSettings));
    expect(await refusalOf(path)).toContain(`adaptation.${field}`);
  });
});
