/** Inputs and outputs of exported models: which ones are adapted to the contract, and which are refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Builder, tensor, type Value, writeModel } from '../../../packages/onnx-grad/index.ts';
import { customisedOnnx } from '../../../src/model/customised.ts';
import { type ImportReport, importModel } from '../../../src/model/import/import-model.ts';
import { loadModel } from '../../../src/model/load.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type Plain, refusalOf, writeFiles } from './import-files.ts';

const newFolder = useFolders();
const write = (bytes: Uint8Array, schema: Plain) => writeFiles(newFolder(), bytes, schema);

const K = 3;
const WIDTH = 4;
const AGE = { name: 'age_band', kind: 'single', vocabulary_size: 5 };
const CITY = { name: 'city', kind: 'single', vocabulary_size: 6 };
const HISTORY = { name: 'history', kind: 'multi', max_length: WIDTH, vocabulary_size: 7 };
const TOPIC = { name: 'topic', kind: 'single', vocabulary_size: 4 };

const table = (b: Builder, name: string, rows: number) =>
  b.initializer(
    name,
    tensor(
      'float32',
      [rows, K],
      Float64Array.from({ length: rows * K }, (_, i) => Math.sin(i + rows)),
    ),
  );
const ids = (b: Builder, x: Value) => (x.dtype === 'int64' ? x : b.add('Cast', [x], { to: 'int64' }));
/** `[batch, K]` of what one id a row looks up. */
const embed = (b: Builder, name: string, rows: number, x: Value) => {
  const found = b.add('Gather', [table(b, name, rows), ids(b, x)], { axis: 0 });
  return found.shape.length === 3 ? b.add('Squeeze', [found, b.ints([1])]) : found;
};
/** `[batch, K]`: the sum of a list's rows where `present`, a float `[batch, width]`, is 1. */
const pool = (b: Builder, x: Value, present: Value) => {
  const rows = b.add('Gather', [table(b, 'tokens', 7), ids(b, x)], { axis: 0 });
  return b.add('ReduceSum', [b.add('Mul', [rows, b.add('Unsqueeze', [present, b.ints([2])])]), b.ints([1])], {
    keepdims: 0,
  });
};
const float = (b: Builder, x: Value) => b.add('Cast', [x], { to: 'float32' });
/** The score of the sum of `parts`, `[batch]` or, with `keepdims` of 1, `[batch, 1]`. */
const score = (b: Builder, parts: readonly Value[], keepdims = 0, name = 'score') => {
  const sum = parts.reduce((a, z) => b.add('Add', [a, z]));
  const logit = b.add('ReduceMean', [sum, b.ints([1])], { keepdims });
  return b.add('Sigmoid', [logit], {}, { name: 'head', outputs: [name] });
};

interface Case {
  readonly build: (b: Builder) => Value;
  readonly features: { readonly user: readonly Plain[]; readonly campaign?: readonly Plain[] };
  readonly inputs?: Plain;
  /** The inputs of the contract that the converted model has. */
  readonly contract: readonly string[];
  /** The feeds of the file, out of the golden batch. */
  readonly feeds: (golden: Readonly<Record<string, readonly number[]>>) => Readonly<Record<string, OrtTensor>>;
}

const int = (data: readonly number[], ...shape: number[]) =>
  new OrtTensor('int64', BigInt64Array.from(data, BigInt), [data.length / shape.reduce((a, z) => a * z, 1), ...shape]);
const real = (data: readonly number[], ...shape: number[]) =>
  new OrtTensor('float32', Float32Array.from(data), [data.length / shape.reduce((a, z) => a * z, 1), ...shape]);
const truth = (data: readonly boolean[], ...shape: number[]) =>
  new OrtTensor('bool', Uint8Array.from(data, Number), [data.length / shape.reduce((a, z) => a * z, 1), ...shape]);

const CASES: Readonly<Record<string, Case>> = {
  'names of its own': {
    build: (b) => {
      const [age, hist, length] = [
        b.input('age', 'int64', ['N']),
        b.input('hist', 'int64', ['N', WIDTH]),
        b.input('hist_len', 'int64', ['N']),
      ];
      const places = b.constant(tensor('int64', [WIDTH], [0, 1, 2, 3]));
      const present = float(b, b.add('Less', [places, b.add('Unsqueeze', [length, b.ints([1])])]));
      return score(b, [embed(b, 'ages', 5, age), pool(b, hist, present)]);
    },
    features: { user: [AGE, HISTORY] },
    inputs: { age: 'user.age_band', hist: 'user.history', hist_len: 'user.history.length' },
    contract: ['user.age_band', 'user.history', 'user.history.length'],
    feeds: (golden) => ({
      age: int(golden['user.age_band']!),
      hist: int(golden['user.history']!, WIDTH),
      hist_len: int(golden['user.history.length']!),
    }),
  },
  'a list without lengths, padded with 0': {
    build: (b) => {
      const hist = b.input('user.history', 'int64', ['batch', WIDTH]);
      return score(b, [pool(b, hist, float(b, b.add('Greater', [hist, b.scalar(0, 'int64')])))]);
    },
    features: { user: [HISTORY] },
    contract: ['user.history'],
    feeds: (golden) => ({ 'user.history': int(golden['user.history']!, WIDTH) }),
  },
  'two lists of one length': {
    build: (b) => {
      const [hist, other, length] = [
        b.input('user.history', 'int64', ['batch', WIDTH]),
        b.input('user.other', 'int64', ['batch', WIDTH]),
        b.input('hist_len', 'int32', ['batch', 1]),
      ];
      const places = b.constant(tensor('int32', [WIDTH], [0, 1, 2, 3]));
      const present = float(b, b.add('Less', [places, length]));
      const second = b.add('Gather', [table(b, 'others', 7), other], { axis: 0 });
      return score(b, [pool(b, hist, present), b.add('ReduceSum', [second, b.ints([1])], { keepdims: 0 })]);
    },
    features: { user: [HISTORY, { ...HISTORY, name: 'other' }].map((one) => ({ ...one, unknown: 'keep' })) },
    inputs: { hist_len: 'user.history.length' },
    contract: ['user.history', 'user.other', 'user.history.length'],
    feeds: (golden) => ({
      'user.history': int(golden['user.history']!, WIDTH),
      'user.other': int(golden['user.other']!, WIDTH),
      hist_len: new OrtTensor('int32', Int32Array.from(golden['user.history.length']!), [16, 1]),
    }),
  },
  'ids as a column, ids as floats, and a score that is a column': {
    build: (b) => {
      const [age, city] = [b.input('user.age_band', 'int64', ['batch', 1]), b.input('user.city', 'float32', ['batch'])];
      return score(b, [embed(b, 'ages', 5, age), embed(b, 'cities', 6, city)], 1);
    },
    features: { user: [AGE, CITY] },
    contract: ['user.age_band', 'user.city'],
    feeds: (golden) => ({
      'user.age_band': int(golden['user.age_band']!, 1),
      'user.city': real(golden['user.city']!),
    }),
  },
  'one matrix, with a column of the campaign, and an output of another name': {
    build: (b) => {
      const x = b.input('X', 'float32', ['batch', 3]);
      const parts = (
        [
          ['ages', 5],
          ['topics', 4],
          ['cities', 6],
        ] as const
      ).map(([name, rows], i) => embed(b, name, rows, b.add('Gather', [x, b.scalar(i, 'int64')], { axis: 1 })));
      return score(b, parts, 0, 'probability');
    },
    features: { user: [AGE, CITY], campaign: [TOPIC] },
    inputs: { X: ['user.age_band', 'campaign.topic', 'user.city'] },
    contract: ['user.age_band', 'campaign.topic', 'user.city'],
    feeds: (golden) => {
      const columns = ['user.age_band', 'campaign.topic', 'user.city'].map((name) => golden[name]!);
      return {
        X: real(
          columns[0]!.flatMap((_, row) => columns.map((column) => column[row]!)),
          3,
        ),
      };
    },
  },
  'a mask of truth values, and one of what is padded': {
    build: (b) => {
      const [hist, mask, padding] = [
        b.input('hist', 'int32', ['batch', WIDTH]),
        b.input('hist_mask', 'bool', ['batch', WIDTH]),
        b.input('user.history.padding', 'bool', ['batch', 1, WIDTH]),
      ];
      const padded = b.add('Squeeze', [padding, b.ints([1])]);
      return score(b, [pool(b, hist, float(b, b.add('And', [mask, b.add('Not', [padded])])))]);
    },
    features: { user: [HISTORY] },
    inputs: { hist: 'user.history', hist_mask: 'user.history.mask' },
    contract: ['user.history'],
    feeds: (golden) => {
      const tokens = golden['user.history']!;
      return {
        hist: new OrtTensor('int32', Int32Array.from(tokens), [16, WIDTH]),
        hist_mask: truth(
          tokens.map((id) => id !== 0),
          WIDTH,
        ),
        'user.history.padding': truth(
          tokens.map((id) => id === 0),
          1,
          WIDTH,
        ),
      };
    },
  },
};

/** The scores that plain ONNX Runtime gives a file for the golden batch. */
async function scoresOf(file: Uint8Array, feeds: Readonly<Record<string, OrtTensor>>): Promise<Float32Array> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 4 });
  const out = await session.run(feeds);
  await session.release();
  return out[session.outputNames[0]!]!.data as Float32Array;
}

const goldenOf = ({ manifest }: ImportReport) =>
  Object.fromEntries(Object.entries(manifest.golden_batch.inputs).map(([name, { data }]) => [name, data.map(Number)]));

describe('importModel takes', () => {
  it.each(Object.keys(CASES))('%s', async (what) => {
    const { build, features, inputs, contract, feeds } = CASES[what]!;
    const b = new Builder();
    const bytes = writeModel(b.build('model', [build(b)]));
    const { options } = write(bytes, { features, ...(inputs ? { inputs } : {}) });
    const report = await importModel(options);
    expect(report.dryRun.unmoved).toEqual([]);
    const model = await loadModel(options.out);
    expect(model.graph.inputs).toEqual(contract);
    expect(model.manifest.inputs).toEqual(inputs);
    expect(model.manifest.features.user).toMatchObject(features.user);
    // the file is unchanged and gives these scores
    expect(readFileSync(join(options.out, 'model.onnx')).equals(bytes)).toBe(true);
    const scores = await scoresOf(bytes, feeds(goldenOf(report)));
    expect(scores).toHaveLength(16);
    report.manifest.golden_batch.scores.forEach((expected, i) => {
      expect(Math.abs(scores[i]! - expected)).toBeLessThanOrEqual(1e-6);
    });
    // a customised model has the inputs of the contract
    const customised = await InferenceSession.create(customisedOnnx(model.folder, new Map(), {}));
    expect([...customised.inputNames].sort()).toEqual([...contract].sort());
    expect(customised.outputNames).toEqual(['score']);
    await customised.release();
  });
});

/** The score of the mean, over `axes`, of what one input looks up. */
const single = ([input]: readonly (readonly [string, Value['dtype'], Value['shape']])[], axes: number[] = []) => {
  const b = new Builder();
  const rows = b.add('Gather', [table(b, 'ages', 5), b.input(...input!)], { axis: 0 });
  const mean = axes.length === 0 ? rows : b.add('ReduceMean', [rows, b.ints(axes)], { keepdims: 0 });
  return writeModel(b.build('model', [score(b, [mean])]));
};

/** A score that grows with a number. */
function numbers(): Uint8Array {
  const b = new Builder();
  const age = b.input('user.age_band', 'float32', ['batch']);
  const weighted = b.add('Mul', [age, b.initializer('weight', tensor('float32', [1], [0.1]))]);
  return writeModel(b.build('model', [b.add('Sigmoid', [weighted], {}, { outputs: ['score'] })]));
}

describe('importModel refuses', () => {
  const features = { user: [AGE, HISTORY] };
  it.each<[what: string, bytes: Uint8Array, inputs: Plain, sentence: string]>([
    [
      'names of inputs that are not there',
      single([['age', 'int64', ['batch']]]),
      { agr: 'user.age_band' },
      'the model has no input "agr", which "inputs" names; its inputs are age',
    ],
    [
      'inputs of features that are not there',
      single([['age', 'int64', ['batch']]]),
      { age: 'user.age' },
      '"inputs" maps "age" to "user.age", but there is no such feature',
    ],
    [
      'lists as columns',
      single([['age', 'int64', ['batch', 2]]], [1]),
      { age: ['user.age_band', 'user.history'] },
      '"inputs" says that "age" has a column "user.history", which is not a single-valued feature',
    ],
    [
      'another number of columns',
      single([['age', 'int64', ['batch', 3]]], [1]),
      { age: ['user.age_band', 'user.age_band'] },
      '"inputs" gives "age" 2 columns, but the shape of the input is [batch, 3]',
    ],
    [
      'a fixed batch, naming what the exporter wants',
      single([['age', 'int64', [8]]]),
      { age: 'user.age_band' },
      'input "user.age_band" is int64[8], not int32 or int64 of [batch]. The batch size is fixed: ' +
        'export the model with dynamic_axes={"<input>": {0: "batch"}, ..} (dynamo: dynamic_shapes)',
    ],
    [
      'numbers where ids are wanted',
      numbers(),
      {},
      'input "user.age_band" is float32[batch], not int32 or int64 of [batch]',
    ],
    [
      'a matrix for one feature',
      single([['age', 'int64', ['batch', 2]]], [1]),
      { age: 'user.age_band' },
      'input "user.age_band" is int64[batch, 2], not int32 or int64 of [batch]',
    ],
  ])('%s', async (_what, bytes, inputs, sentence) => {
    expect(await refusalOf(write(bytes, { features, inputs }))).toContain(sentence);
  });
});
