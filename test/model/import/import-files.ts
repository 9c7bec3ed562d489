/** Exported files that are imported in tests, small, and their schema. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  Builder,
  type DataType,
  type Shape,
  type Tensor,
  tensor,
  type Value,
  writeModel,
} from '../../../packages/onnx-grad/index.ts';
import { TensorProto_DataType as Code } from '../../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { type ImportOptions, importModel } from '../../../src/model/import/import-model.ts';
import { type FileModel, node, raw, typed } from '../../onnx-grad/onnx-file.ts';

export const CREATED = '2026-11-25T12:00:00.000Z';

export type Plain = Record<string, unknown>;

/** One user feature, `age` with 3 tokens. */
export const SCHEMA = {
  features: { user: [{ name: 'age', kind: 'single', vocabulary_size: 4 }], campaign: [] as Plain[] },
};

export interface Files {
  readonly folder: string;
  readonly options: ImportOptions;
}

/** Writes a file and a schema into a folder. */
export function writeFiles(folder: string, bytes: Uint8Array, schema: Plain | string = SCHEMA): Files {
  writeFileSync(join(folder, 'export.onnx'), bytes);
  writeFileSync(join(folder, 'schema.json'), typeof schema === 'string' ? schema : JSON.stringify(schema));
  const options = {
    file: join(folder, 'export.onnx'),
    schema: join(folder, 'schema.json'),
    out: join(folder, 'model'),
    created: CREATED,
  };
  return { folder, options };
}

export async function refusalOf({ options }: Files, code = 'invalid_model'): Promise<string> {
  const error: unknown = await importModel(options).then(
    () => expect.fail('it is imported'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  expect(existsSync(options.out)).toBe(false);
  return (error as Error).message;
}

export interface Parts {
  readonly inputs: readonly (readonly [name: string, dtype: DataType, shape: Shape])[];
  readonly table: Tensor;
  /** The score, out of the rows that the ids look up, `[batch, 2]`. */
  readonly score: (b: Builder, rows: Value) => Value;
}

export const TABLE = tensor('float32', [4, 2], [0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, 0.8]);
export const meanOf = (b: Builder, rows: Value): Value => b.add('ReduceMean', [rows, b.ints([1])], { keepdims: 0 });
export const probability = (b: Builder, x: Value): Value =>
  b.add('Sigmoid', [x], {}, { name: 'head', outputs: ['score'] });

/** score = sigmoid(mean of the user's row). */
export function small(change: Partial<Parts> = {}): Uint8Array {
  const { inputs, table, score }: Parts = {
    inputs: [['user.age', 'int64', ['batch']]],
    table: TABLE,
    score: (b, rows) => probability(b, meanOf(b, rows)),
    ...change,
  };
  const b = new Builder();
  const [first] = inputs.map(([name, dtype, shape]) => b.input(name, dtype, shape));
  return writeModel(
    b.build('model', [score(b, b.add('Gather', [b.initializer('table', table), first!], { axis: 0 }))]),
  );
}

export const LOOK_UP = node('Gather', ['table', 'user.age'], ['rows'], {}, { name: 'look-up' });
export const MEAN = node('ReduceMean', ['rows', 'one'], ['mean'], { keepdims: 0 }, { name: 'mean' });
export const HEAD = node('Sigmoid', ['mean'], ['score'], {}, { name: 'head' });
const WEIGHTS = raw({
  name: 'table',
  dims: [4n, 2n],
  dataType: Code.FLOAT,
  floatData: Array.from(TABLE.data as Float32Array),
});
export const ONE = raw({ name: 'one', dims: [1n], dataType: Code.INT64, int64Data: [1n] });

/** The same, as messages of a file. */
export const FILE = {
  nodes: [LOOK_UP, MEAN, HEAD],
  inputs: [typed('user.age', 'int64', ['batch'])],
  outputs: [typed('score', 'float32', ['batch'])],
  initializers: [WEIGHTS, ONE],
} satisfies FileModel;

/** A parameter that a Range starts at: there is no such gradient. */
export function refusing(): Uint8Array {
  return small({
    score: (b, rows) => {
      const start = b.initializer('start', tensor('float32', [], [1]));
      const range = b.add('Range', [start, b.scalar(3, 'float32'), b.scalar(1, 'float32')], {}, { name: 'range' });
      const sum = b.add('ReduceSum', [range], { keepdims: 0 }, { name: 'sum' });
      return probability(b, b.add('Add', [meanOf(b, rows), sum], {}, { name: 'add' }));
    },
  });
}
