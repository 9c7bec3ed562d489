/** Importing exported models: PyTorch's exports keep their scores, and bad models are refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../../packages/onnx-grad/index.ts';
import { TensorProto_DataType as Code } from '../../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { type ImportReport, importModel, readExport } from '../../../src/model/import/import-model.ts';
import { inferSchema } from '../../../src/model/import/infer-schema.ts';
import { loadModel } from '../../../src/model/load.ts';
import { DEFAULT_ADAPTATION } from '../../../src/model/manifest.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type FileModel, modelFile, node, raw, typed } from '../../onnx-grad/onnx-file.ts';
import { parametersOf, readExportGolden } from '../../parity/export-golden.ts';
import {
  CREATED,
  FILE,
  type Files,
  HEAD,
  LOOK_UP,
  MEAN,
  meanOf,
  ONE,
  type Plain,
  probability,
  refusalOf,
  refusing,
  SCHEMA,
  small,
  TABLE,
  writeFiles,
} from './import-files.ts';

const newFolder = useFolders();
const write = (bytes: Uint8Array, schema?: Plain | string) => writeFiles(newFolder(), bytes, schema);
const GOLDEN = join(import.meta.dirname, '..', '..', 'golden');
const EXPORTS = readdirSync(GOLDEN).filter((name) => existsSync(join(GOLDEN, name, 'model.onnx')));

/** The scores that plain ONNX Runtime gives the exported file on the golden batch. */
async function scoresOfFile(file: string, { manifest }: ImportReport): Promise<number[]> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 4 });
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, { shape, data }] of Object.entries(manifest.golden_batch.inputs))
    feeds[name] = new OrtTensor(
      'int64',
      BigInt64Array.from(data, (id) => BigInt(id!)),
      shape,
    );
  const { score } = await session.run(feeds);
  await session.release();
  return Array.from(score!.data as Float32Array);
}

describe('importModel', () => {
  it.each(EXPORTS)('imports %s, whose scores are those of plain ONNX Runtime', async (name) => {
    const file = join(GOLDEN, name, 'model.onnx');
    const bytes = readFileSync(file);
    const golden = readExportGolden(join(GOLDEN, name, 'expected.json'));
    const { schema } = await inferSchema(readExport(file).graph);
    // a size that look-ups do not reveal is filled in by hand
    const filled = (list: readonly Plain[]) =>
      list.map((each) => ({ ...each, vocabulary_size: each['vocabulary_size'] ?? 27 }));
    const { user, campaign } = schema.features;
    const { options } = write(bytes, {
      features: { user: filled(user as never), campaign: filled(campaign as never) },
    });
    const report = await importModel({ ...options, name });
    expect(report.refused).toEqual([]);
    expect(report.dryRun.unmoved).toEqual([]);
    const model = await loadModel(options.out);
    expect(model.manifest).toMatchObject({ name, created: CREATED, adaptation: DEFAULT_ADAPTATION });
    expect([...model.adapted].sort()).toEqual([...parametersOf(model.graph, golden)].sort());
    const scores = await scoresOfFile(file, report);
    expect(scores).toHaveLength(16);
    report.manifest.golden_batch.scores.forEach((score, i) => {
      expect(Math.abs(score - scores[i]!)).toBeLessThanOrEqual(1e-6);
    });
    expect(readFileSync(join(options.out, 'model.onnx')).equals(bytes)).toBe(true);
  });

  it.each(['14', '17', '18'])(
    'imports a bag with the offsets of a matrix, at opset %s, with the same scores',
    async (opset) => {
      const file = join(GOLDEN, 'other-inputs', `arange-opset${opset}.onnx`);
      const likes = { name: 'likes', kind: 'multi', max_length: 4, vocabulary_size: 20 };
      const report = await importModel(write(readFileSync(file), { features: { user: [likes] } }).options);
      const scores = await scoresOfFile(file, report);
      expect(new Set(scores).size).toBeGreaterThan(8);
      report.manifest.golden_batch.scores.forEach((score, i) => {
        expect(Math.abs(score - scores[i]!)).toBeLessThanOrEqual(1e-6);
      });
    },
  );

  it('refuses a bag with offsets, with its node', async () => {
    const bytes = readFileSync(join(GOLDEN, 'other-inputs', 'lengths-opset17.onnx'));
    expect(await refusalOf(write(bytes))).toMatch(/Loop node "\/bag\/Loop" is an nn\.EmbeddingBag with offsets/);
  });

  it('reports the role of each parameter, the ops, and that ids are used as tokens', async () => {
    const { options } = write(small());
    const report = await importModel(options);
    expect(report.parameters).toEqual([{ name: 'table', shape: [4, 2], role: 'compact', reason: null }]);
    expect(Object.fromEntries(report.ops)).toEqual({ Gather: 1, ReduceMean: 1, Sigmoid: 1 });
    expect(report.manifest).toMatchObject({ name: 'export', adapted_parameters: 'all' });
    expect(report.dryRun).toMatchObject({ users: 64, unmoved: [] });
    expect(report.dryRun.losses).toHaveLength(4);
    expect((await loadModel(options.out)).folder.vocabularies.get('user.age')?.tokens).toEqual(['1', '2', '3']);
  });

  it('is reproducible to the byte, except for the date', async () => {
    const [first, second] = [write(small()), write(small())];
    await importModel(first.options);
    await importModel({ ...second.options, created: '2027-01-01T00:00:00.000Z' });
    const manifest = ({ options }: Files) => JSON.parse(readFileSync(join(options.out, 'manifest.json'), 'utf8'));
    expect(manifest(second)).toEqual({ ...manifest(first), created: '2027-01-01T00:00:00.000Z' });
  });

  it('uses names, tokens and settings of the schema', async () => {
    const age = { name: 'age', kind: 'single', tokens: ['young', 'old', 'older'] };
    const adaptation = { rate: 0.01, epochs: 2, early_stopping: null };
    const { options } = write(small(), { name: 'ours', features: { user: [age] }, adaptation, training: { by: 'us' } });
    const { manifest } = await importModel(options);
    expect(manifest).toMatchObject({
      name: 'ours',
      features: { user: [{ name: 'age', kind: 'single', vocabulary_size: 4 }], campaign: [] },
      adaptation: { ...DEFAULT_ADAPTATION, ...adaptation },
      training: { by: 'us' },
    });
    expect((await importModel({ ...options, name: 'theirs' })).manifest.name).toBe('theirs');
  });

  it('reads weights from another file of the folder, and moves them into the model', async () => {
    const kept = raw({
      name: 'table',
      dims: [4n, 2n],
      dataType: Code.FLOAT,
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'weights.bin' }],
    });
    const files = write(modelFile({ ...FILE, initializers: [kept, ONE] }));
    writeFileSync(join(files.folder, 'weights.bin'), new Uint8Array((TABLE.data as Float32Array).buffer));
    await importModel(files.options);
    const model = await loadModel(files.options.out);
    expect(model.graph.initializers.get('table')).toEqual(TABLE);
    expect(readdirSync(files.options.out).sort()).toEqual(['manifest.json', 'model.onnx', 'vocabulary']);
  });

  it('replaces a model, and nothing else', async () => {
    const { options, folder } = write(small());
    await importModel(options);
    await importModel({ ...options, name: 'again' });
    expect((await loadModel(options.out)).manifest.name).toBe('again');
    await expect(importModel({ ...options, out: folder })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(existsSync(options.file)).toBe(true);
  });

  it('adapts what the schema names, and leaves what it fixes', async () => {
    const bytes = small({
      score: (b, rows) => {
        const bias = b.initializer('bias', tensor('float32', [2], [0.1, 0.2]));
        return probability(b, meanOf(b, b.add('Add', [rows, bias])));
      },
    });
    const fixed = write(bytes, { ...SCHEMA, fixed: ['bias'] });
    const report = await importModel(fixed.options);
    expect(report.parameters).toEqual([
      { name: 'table', shape: [4, 2], role: 'compact', reason: null },
      { name: 'bias', shape: [2], role: 'fixed', reason: 'the schema says so' },
    ]);
    expect((await loadModel(fixed.options.out)).adapted).toEqual(['table']);
    const named = write(bytes, { ...SCHEMA, adapted_parameters: ['bias'] });
    await importModel(named.options);
    expect((await loadModel(named.options.out)).adapted).toEqual(['bias']);
  });

  it('leaves running statistics, by their names, and numbers that the exporter named', async () => {
    const bytes = small({
      score: (b, rows) => {
        const mean = b.initializer('norm.running_mean', tensor('float32', [2], [0.1, 0.2]));
        const half = b.initializer('onnx::Mul_17', tensor('float32', [], [0.5]));
        const folded = b.initializer('onnx::Mul_18', tensor('float32', [2], [0.5, 1]));
        const x = b.add('Mul', [b.add('Mul', [b.add('Sub', [rows, mean]), half]), folded]);
        return probability(b, meanOf(b, x));
      },
    });
    const { options } = write(bytes);
    const { parameters } = await importModel(options);
    expect(parameters.map(({ name, role, reason }) => [name, role, reason])).toEqual([
      ['table', 'compact', null],
      ['norm.running_mean', 'fixed', 'the name suggests a running statistic of training'],
      ['onnx::Mul_17', 'fixed', 'the name suggests a literal in the code'],
      ['onnx::Mul_18', 'dense', expect.stringContaining('uses the whole parameter')],
    ]);
    expect((await loadModel(options.out)).adapted).toEqual(['table', 'onnx::Mul_18']);
  });

  it('imports a model with an unsupported gradient once its parameter is fixed', async () => {
    const files = write(refusing(), { ...SCHEMA, fixed: ['start'] });
    const { refused } = await importModel(files.options);
    expect(refused).toEqual([{ parameters: ['start'], sentence: expect.stringContaining('Range node "range"') }]);
    expect((await loadModel(files.options.out)).adapted).toEqual(['table']);
  });
});

const file = (change: FileModel) => modelFile({ ...FILE, ...change });

/** Kinds of bad files, with the expected message. */
const BAD: readonly (readonly [what: string, bytes: Uint8Array, sentence: string])[] = [
  ['a file that is cut off', small().subarray(0, 200), 'the file is truncated, or is not an ONNX model'],
  [
    'an input of no feature',
    small({ inputs: [['age', 'int64', ['batch']]] }),
    'the model has an input "age" that belongs to no feature of the schema: name inputs user.<feature> or ' +
      'campaign.<feature>',
  ],
  [
    'a score of another name, where there are several outputs',
    file({
      nodes: [LOOK_UP, MEAN, node('Sigmoid', ['mean'], ['y'])],
      outputs: [typed('y', 'float32', ['batch']), typed('mean', 'float32', ['batch'])],
    }),
    'the first output is "y" float32[batch], not "score" float32[batch]',
  ],
  [
    'quantised layers',
    file({ nodes: [LOOK_UP, node('DynamicQuantizeLinear', ['rows'], ['mean'], {}, { name: 'q' }), HEAD] }),
    'DynamicQuantizeLinear node "q": the op DynamicQuantizeLinear is not supported: import the float model, not a ' +
      'quantised one',
  ],
  [
    'a logit, though all scores lie between 0 and 1',
    small({
      table: tensor('float32', [4, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
      score: (b, rows) => b.add('Identity', [meanOf(b, rows)], {}, { outputs: ['score'] }),
    }),
    'nothing in the graph keeps the score between 0 and 1 (its range is -Infinity to Infinity), but a score must be ' +
      'a probability: end the model with a sigmoid (in PyTorch: torch.sigmoid(logit))',
  ],
  [
    'a score that is NaN',
    small({
      score: (b, rows) => probability(b, b.add('Sqrt', [b.add('Sub', [meanOf(b, rows), b.scalar(9, 'float32')])])),
    }),
    'the score of random user 0 is NaN: Sqrt node "Sqrt" is the first to produce NaN',
  ],
  [
    'a parameter without a gradient',
    refusing(),
    'Range node "range" cannot be differentiated: a Range has no gradient with respect to its start, limit and ' +
      'delta (path from the loss: loss <- head <- add <- sum <- range), but parameter "start" needs it. Change the ' +
      'model, or list these parameters as "fixed" in the schema',
  ],
  [
    'a standard deviation that is 0',
    small({
      table: tensor('float32', [4, 2], [0, 0, 0.3, 0.4, -0.5, 0.6, 0.7, 0.8]),
      score: (b, rows) => {
        const away = b.add('Sub', [rows, b.add('ReduceMean', [rows, b.ints([1])])]);
        const std = b.add('Sqrt', [meanOf(b, b.add('Mul', [away, away]))], {}, { name: 'std' });
        return probability(b, b.add('Add', [meanOf(b, rows), std]));
      },
    }),
    'in a dry run, parameter "table" becomes NaN or infinite. Likely cause: the root in Sqrt node "std" is 0 for some ' +
      'users, where its gradient is infinite (in PyTorch, the gradient of torch.std is 0 there). Add a small number ' +
      'to the variance (in PyTorch: torch.sqrt(x.var(1) + 1e-8))',
  ],
  [
    'a score that does not react',
    small({ score: (b, rows) => probability(b, b.add('Mul', [meanOf(b, rows), b.scalar(0, 'float32')])) }),
    'the dry run changed no parameters: the score does not depend on them (is it saturated?)',
  ],
];

describe('importModel refuses', () => {
  it.each(BAD)('%s', async (_what, bytes, sentence) => {
    const files = write(bytes);
    const message = await refusalOf(files);
    expect(message).toContain(`model ${files.options.file}: `);
    expect(message).toContain(sentence);
  });

  it('a missing file, a folder, and a file that is too large for ONNX Runtime', async () => {
    const files = write(small());
    const of = (name: string) => refusalOf({ ...files, options: { ...files.options, file: join(files.folder, name) } });
    mkdirSync(join(files.folder, 'folder'));
    writeFileSync(join(files.folder, 'large.onnx'), '');
    truncateSync(join(files.folder, 'large.onnx'), 2 ** 31);
    expect(await of('none.onnx')).toContain('not found');
    expect(await of('folder')).toContain('the path is not a file');
    expect(await of('large.onnx')).toContain('the file has 2147483648 bytes; at most 2147483647 are supported');
  });

  it('sizes that only ONNX Runtime knows, after constant folding', async () => {
    const bytes = small({
      score: (b, rows) => {
        const sizes = b.add('Cast', [b.constant(tensor('float32', [2], [-1, 4]))], { to: 'int64' });
        const wide = b.add('Reshape', [rows, sizes]);
        const product = b.add('MatMul', [wide, b.initializer('w', tensor('float32', [3, 1], [1, 2, 3]))]);
        return probability(b, b.add('Squeeze', [product, b.ints([1])]));
      },
    });
    expect(await refusalOf(write(bytes))).toContain('ONNX Runtime does not accept the model: ');
  });

  it('an input that the schema has and the file lacks, and a list of another length', async () => {
    const city = { name: 'city', kind: 'single', vocabulary_size: 2 };
    const more = { features: { user: [...SCHEMA.features.user, city] } };
    expect(await refusalOf(write(small(), more))).toContain('the model has no input "user.city"');
    const list = { features: { user: [{ name: 'age', kind: 'multi', max_length: 3, vocabulary_size: 4 }] } };
    expect(await refusalOf(write(small(), list))).toContain(
      'input "user.age" is int64[batch], not int32 or int64 of [batch, 3]',
    );
  });

  it('batches of several names, when a batch does not fit, saying what to name', async () => {
    const bytes = file({
      nodes: [
        LOOK_UP,
        MEAN,
        node('Gather', ['topics', 'campaign.topic'], ['topic'], {}, { name: 'topic' }),
        node('Unsqueeze', ['topic', 'one'], ['column']),
        node('Unsqueeze', ['mean', 'one'], ['means']),
        node('Concat', ['means', 'column'], ['both'], { axis: 1 }),
        node('ReduceMean', ['both', 'one'], ['sum'], { keepdims: 0 }),
        node('Sigmoid', ['sum'], ['score']),
      ],
      inputs: [...FILE.inputs, typed('campaign.topic', 'int64', ['campaigns'])],
      outputs: [typed('score', 'float32', null)],
      initializers: [
        ...FILE.initializers,
        raw({ name: 'topics', dims: [2n], dataType: Code.FLOAT, floatData: [1, 2] }),
      ],
    });
    const topic = { name: 'topic', kind: 'single', vocabulary_size: 2 };
    const schema = { features: { ...SCHEMA.features, campaign: [topic] } };
    expect(await refusalOf(write(bytes, schema))).toMatch(
      /the model cannot score random users: .* The batch dimensions of its inputs have different names \(batch, campaigns\)/s,
    );
  });
});
