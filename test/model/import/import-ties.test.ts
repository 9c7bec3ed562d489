/** Imports with tied weights that the export separated, and with padding rows. */
import { describe, expect, it } from 'vitest';
import { Builder, openAdaptation, tensor, writeModel } from '../../../packages/onnx-grad/index.ts';
import { importModel } from '../../../src/model/import/import-model.ts';
import { loadModel } from '../../../src/model/load.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type Plain, refusalOf, writeFiles } from './import-files.ts';

const newFolder = useFolders();
const FEATURES = {
  user: [
    { name: 'age', kind: 'single', vocabulary_size: 5 },
    { name: 'city', kind: 'single', vocabulary_size: 5 },
  ],
};
const drawn = (...shape: number[]) =>
  tensor(
    'float32',
    shape,
    Float64Array.from({ length: shape.reduce((a, z) => a * z) }, (_, i) => Math.sin(1 + i)),
  );

/** One table of 5 rows for two features, written twice; its row 0 is 0. */
function twice(): Uint8Array {
  const b = new Builder();
  const rows = drawn(5, 4);
  rows.data.fill(0 as never, 0, 4);
  const found = ['age', 'city'].map((name) =>
    b.add('Gather', [b.initializer(`${name}.weight`, rows), b.input(`user.${name}`, 'int64', ['batch'])], { axis: 0 }),
  );
  const logit = b.add('MatMul', [b.add('Concat', found, { axis: 1 }), b.initializer('out', drawn(8, 1))]);
  return writeModel(b.build('model', [b.add('Sigmoid', [logit], {}, { outputs: ['score'] })]));
}

const write = (more: Plain = {}) => writeFiles(newFolder(), twice(), { features: FEATURES, ...more });

describe('importModel', () => {
  it('ties equal weights, and keeps a row of padding through adaptation', async () => {
    const { options } = write();
    const report = await importModel(options);
    expect(report.manifest).toMatchObject({
      tied: [{ parameter: 'city.weight', as: 'age.weight', transposed: false }],
      padded: ['age.weight'],
    });
    expect(report.parameters.map(({ name, role }) => [name, role])).toEqual([
      ['age.weight', 'compact'],
      ['out', 'dense'],
    ]);
    const { graph, adapted } = await loadModel(options.out);
    const program = await openAdaptation(graph, adapted);
    const ids = { dtype: 'int64', shape: [2], data: BigInt64Array.of(0n, 2n) } as const;
    const batch = { feeds: { 'user.age': ids, 'user.city': ids }, labels: Float32Array.of(1, 0) };
    const run = await program.start(graph.initializers, [batch]);
    await run.step(0, 0.1);
    const after = Array.from(run.parameters().get('age.weight')!.data as Float32Array);
    const before = Array.from(graph.initializers.get('age.weight')!.data as Float32Array);
    await program.close();
    const moved = after.map((x, i) => x !== before[i]);
    expect(moved).toEqual([4, 4, 4, 4, 4].flatMap((width, row) => new Array<boolean>(width).fill(row === 2)));
  });

  it('leaves them unchanged if the schema says so', async () => {
    const { manifest, parameters } = await importModel(write({ tied: false, padded: [] }).options);
    expect(manifest).not.toHaveProperty('tied');
    expect(manifest).not.toHaveProperty('padded');
    expect(parameters.map(({ name }) => name)).toEqual(['age.weight', 'city.weight', 'out']);
  });

  it('refuses padding if row 0 is not 0', async () => {
    expect(await refusalOf(write({ padded: ['out'] }))).toContain(
      'the schema says that "out" is padded, but it is not a table in which only row 0 is 0',
    );
  });
});
