/** Data in other files: read from the model's own folder, refused from anywhere else. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { filesFrom, filesIn, selfContained } from '../../packages/onnx-grad/src/onnx/external-data.ts';
import { TensorProto_DataType as Code } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { attributeProto, modelFile, node, raw, refusal, runModel, typed } from './onnx-file.ts';

const outside = temporaryFolder();
const folder = join(outside, 'model');
/** 3 unused bytes, then 3 and 4. */
const DATA = Buffer.concat([Buffer.from('???'), Buffer.from(new Float32Array([3, 4]).buffer)]);

beforeAll(() => {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(outside, 'secret.bin'), DATA);
  writeFileSync(join(folder, 'w.bin'), DATA);
  writeFileSync(join(folder, 'data', 'w.bin'), DATA);
  writeFileSync(join(folder, 'empty.bin'), '');
  symlinkSync('data/w.bin', join(folder, 'inner.bin'));
  symlinkSync('../secret.bin', join(folder, 'outer.bin'));
  symlinkSync('..', join(folder, 'up'));
  symlinkSync('nowhere', join(folder, 'dangling.bin'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});

/** A tensor of two floats whose external data is described by `entries`. */
const kept = (entries: Readonly<Record<string, string>>, fields: object = {}) =>
  raw({
    name: 'w',
    dims: [2n, 1n],
    dataType: Code.FLOAT,
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    ...fields,
  });

/** y = x w. */
const file = (w: ReturnType<typeof kept>) =>
  modelFile({
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: [typed('x', 'float32', ['batch', 2])],
    outputs: [typed('y', 'float32', ['batch', 1])],
    initializers: [w],
  });

const AT_3 = { offset: '3', length: '8' };
const read = (entries: Readonly<Record<string, string>>, fields: object = {}) =>
  readModel(file(kept(entries, fields)), { external: filesIn(folder) });

describe('external data', () => {
  it.each(['w.bin', './w.bin', 'data/w.bin', 'inner.bin', 'data//w.bin'])('is read from %s', (location) => {
    const graph = read({ location, ...AT_3 });
    expect(graph.initializers.get('w')).toEqual(tensor('float32', [2, 1], [3, 4]));
  });

  it('needs no length, and may have a checksum', () => {
    const graph = read({ location: 'w.bin', offset: '3', checksum: 'da39a3ee' });
    expect(numbersOf(graph.initializers.get('w')!)).toEqual([3, 4]);
  });

  it('is read for the tensor of a Constant node', () => {
    const value = attributeProto('value', { ...tensor('float32', [2, 1], [0, 0]) });
    Object.assign(value.t!, kept({ location: 'w.bin', ...AT_3 }), { rawData: new Uint8Array(0) });
    const bytes = modelFile({
      nodes: [node('Constant', [], ['w'], {}, { attribute: [value] })],
      outputs: [typed('w', 'float32', [2, 1])],
    });
    expect(numbersOf(readModel(bytes, { external: filesIn(folder) }).constants.get('w')!)).toEqual([3, 4]);
  });

  it('is moved inside, so that ONNX Runtime needs no other file', async () => {
    const bytes = file(kept({ location: 'w.bin', ...AT_3 }));
    const whole = selfContained(bytes, filesIn(folder));
    const { y } = await runModel(whole, { x: tensor('float32', [1, 2], [1, 2]) });
    expect(numbersOf(y!)).toEqual([11]);
    expect(selfContained(whole, filesIn(folder))).toBe(whole);
  });

  it('is taken from given contents, by its path in the folder', () => {
    const asked: string[] = [];
    const external = filesFrom((path) => {
      asked.push(path);
      return DATA;
    });
    const graph = readModel(file(kept({ location: './data//w.bin', ...AT_3 })), { external });
    expect(numbersOf(graph.initializers.get('w')!)).toEqual([3, 4]);
    expect(new Set(asked)).toEqual(new Set(['data/w.bin']));
    expect(refusal(() => readModel(file(kept({ location: '../w.bin' })), { external }))).toContain(
      "outside the model's folder",
    );
  });
});

describe('external data is refused', () => {
  it.each([
    '../secret.bin',
    'data/../../secret.bin',
    '..',
    '..\\secret.bin',
    '/etc/passwd',
    '\\\\host\\share',
    'C:\\secret.bin',
    'c:secret.bin',
  ])('from %s', (location) => {
    expect(refusal(() => read({ location }))).toBe(
      `external data is in "${location}", which is outside the model's folder: put the file next to the model`,
    );
  });

  it.each(['outer.bin', 'up/secret.bin', 'up'])('behind the link %s, which points outside the folder', (location) => {
    expect(refusal(() => read({ location, ...AT_3 }))).toBe(
      `external data "${location}" is a link to a place outside the model's folder: put the file itself next to the model`,
    );
  });

  it.each(['none.bin', 'dangling.bin', 'data/none.bin'])('if %s does not exist', (location) => {
    expect(refusal(() => read({ location }))).toBe(
      `external data "${location}" does not exist: it must be next to the model`,
    );
  });

  it.each(['data', 'pipe'])('if %s is not a file, without waiting for it', (location) => {
    expect(refusal(() => read({ location }))).toBe(`external data "${location}" is not a file`);
  });

  it('from the folder itself and from an empty name', () => {
    expect(refusal(() => read({ location: '' }))).toBe('external data is in "", which is not a file name');
    expect(refusal(() => read({ location: 'w.bin\0.txt' }))).toContain('which is not a file name');
    expect(refusal(() => read({}))).toBe('initializer "w" does not name the file that contains its data');
  });

  it.each([
    [{ offset: '4' }, 'initializer "w" needs the bytes 4 to 12 of w.bin, which has only 11 bytes'],
    [{ offset: '9007199254740991' }, 'which has only 11 bytes'],
    [{ offset: '-1' }, 'has the offset "-1" in w.bin, but a number of bytes is expected'],
    [{ offset: '0x3' }, 'has the offset "0x3" in w.bin, but a number of bytes is expected'],
    [{ offset: '9999999999999999' }, 'has the offset "9999999999999999" in w.bin, but a number of bytes is expected'],
    [{ length: '' }, 'has the length "" in w.bin, but a number of bytes is expected'],
    [{ length: '7' }, 'initializer "w" is float32[2, 1] and needs 8 bytes, but refers to 7 bytes of w.bin'],
    [{ length: '12' }, 'initializer "w" is float32[2, 1] and needs 8 bytes, but refers to 12 bytes of w.bin'],
  ])('with %j', (entries, sentence) => {
    expect(refusal(() => read({ location: 'w.bin', ...entries }))).toContain(sentence);
  });

  it('that has a repeated entry', () => {
    expect(refusal(() => read({ location: 'w.bin' }, { rawData: new Uint8Array(8) }))).toContain('data both inside');
    const entry = { key: 'location', value: 'w.bin' };
    expect(
      refusal(() => readModel(file(kept({}, { externalData: [entry, entry] })), { external: filesIn(folder) })),
    ).toBe('initializer "w" repeats an entry of its external data');
  });

  it('in claims of gigabytes, before any memory is allocated', () => {
    const before = process.memoryUsage().arrayBuffers;
    expect(refusal(() => read({ location: 'w.bin' }, { dims: [1_000_000n, 1000n] }))).toBe(
      'initializer "w" is float32[1000000, 1000] and needs 4000000000 bytes; at most 2147483647 are supported',
    );
    expect(refusal(() => read({ location: 'w.bin' }, { dims: [1_000_000n, 100n] }))).toContain(
      'which has only 11 bytes',
    );
    // each is small enough, but a region must not be named again and again
    const many = Array.from({ length: 30 }, (_, i) =>
      kept({ location: 'w.bin' }, { name: `w${i}`, dims: [100_000_000n] }),
    );
    const bytes = modelFile({ initializers: many, outputs: [typed('w0', 'float32', [100_000_000])] });
    expect(refusal(() => readModel(bytes, { external: filesIn(folder) }))).toBe(
      'the model has 12000000000 bytes of external data; at most 2147483647 are supported',
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
  });
});
