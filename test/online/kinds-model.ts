/** An exported model with every kind of input, for a test to complete. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Builder, tensor, type Value, writeModel } from '../../packages/onnx-grad/index.ts';
import { newFolder } from '../fixture/folders.ts';

interface Inputs {
  readonly age: Value;
  readonly hist: Value;
  readonly place: Value;
  readonly campaign: Value;
}

const SCHEMA = {
  features: {
    user: [
      { name: 'age', kind: 'number' },
      { name: 'hist', kind: 'multi', max_length: 3, vocabulary_size: 6 },
      { name: 'place', kind: 'vector', size: 2, missing: 0.5 },
    ],
    campaign: [
      { name: 'price', kind: 'number' },
      { name: 'text', kind: 'vector', size: 2 },
      { name: 'words', kind: 'multi', max_length: 2, vocabulary_size: 4 },
    ],
  },
};

type Pooled = (b: Builder, rows: Value, inputs: Inputs) => Value;

/** export.onnx and schema.json in a new folder of `root`; `pooled` is made of its list, `[batch, 2]`. */
export function writeKinds(root: string, pooled: Pooled): string {
  const b = new Builder();
  const inputs: Inputs = {
    age: b.input('user.age', 'float32', ['batch']),
    hist: b.input('user.hist', 'int64', ['batch', 3]),
    place: b.input('user.place', 'float32', ['batch', 2]),
    campaign: b.input('campaign.price', 'float32', [1]),
  };
  const text = b.input('campaign.text', 'float32', ['batch', 2]);
  const words = b.input('campaign.words', 'int64', ['batch', 2]);
  const table = (name: string, rows: number) =>
    b.initializer(
      name,
      tensor(
        'float32',
        [rows, 2],
        Float32Array.from({ length: 2 * rows }, (_, i) => Math.sin(i)),
      ),
    );
  const rows = b.add('Gather', [table('hist', 6), inputs.hist], { axis: 0 });
  const mean = b.add('ReduceMean', [b.add('Gather', [table('words', 4), words], { axis: 0 }), b.ints([1])], {
    keepdims: 0,
  });
  const parts = [pooled(b, rows, inputs), inputs.place, text, mean].map((part) =>
    b.add('ReduceSum', [part, b.ints([1])], { keepdims: 0 }),
  );
  const sum = parts.reduce((all, part) => b.add('Add', [all, part]), b.add('Mul', [inputs.age, inputs.campaign]));
  const score = b.add(
    'Sigmoid',
    [b.add('Mul', [sum, b.initializer('scale', tensor('float32', [1], [0.3]))])],
    {},
    {
      outputs: ['score'],
    },
  );
  const folder = newFolder(root);
  writeFileSync(join(folder, 'export.onnx'), writeModel(b.build('every kind', [score])));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(SCHEMA));
  return folder;
}

export const plain: Pooled = (b: Builder, rows: Value) => b.add('ReduceSum', [rows, b.ints([1])], { keepdims: 0 });

/**
 * Has a row for each of 64 users of a batch: more users than the golden batch and a dry run have, but fewer than an
 * expansion. The nodes that fail are "places" and "beside".
 */
export const ofFewUsers: Pooled = (b, rows, inputs) => {
  const places = b.initializer('places', tensor('float32', [64, 2], new Float32Array(128).fill(0.1)));
  const count = b.add('Squeeze', [b.add('Shape', [inputs.age]), b.ints([0])]);
  const range = b.add('Range', [b.scalar(0, 'int64'), count, b.scalar(1, 'int64')]);
  const own = b.add('Gather', [b.add('Mul', [places, b.scalar(1, places)]), range], { axis: 0 }, { name: 'places' });
  return b.add('Add', [plain(b, rows, inputs), own], {}, { name: 'beside' });
};
