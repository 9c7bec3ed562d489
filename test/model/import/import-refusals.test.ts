/** Every kind of bad model is refused with its own message, and leaves no folder. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../../packages/onnx-grad/index.ts';
import { TensorProto_DataType as Code } from '../../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type FileModel, modelFile, node, raw, typed } from '../../onnx-grad/onnx-file.ts';
import {
  FILE,
  HEAD,
  LOOK_UP,
  MEAN,
  meanOf,
  type Plain,
  probability,
  refusalOf,
  refusing,
  SCHEMA,
  small,
  writeFiles,
} from './import-files.ts';

const newFolder = useFolders();
const write = (bytes: Uint8Array, schema?: Plain | string) => writeFiles(newFolder(), bytes, schema);

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
