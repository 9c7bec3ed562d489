/** Importing exported models: PyTorch's exports are imported with the scores of plain ONNX Runtime. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
import { modelFile, raw } from '../../onnx-grad/onnx-file.ts';
import { parametersOf, readExportGolden } from '../../parity/export-golden.ts';
import {
  CREATED,
  FILE,
  type Files,
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
