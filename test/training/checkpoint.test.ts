/** Checkpoints: round trips and refusals. */
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { tensor } from '../../packages/onnx-grad/index.ts';
import {
  type Checkpoint,
  checkpointPath,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from '../../src/training/meta/checkpoint.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';

let root = '';
let path = '';
beforeEach(() => {
  root = temporaryFolder();
  path = join(root, 'model.checkpoint');
});

const CHECKPOINT: Checkpoint = {
  identity: 'a'.repeat(64),
  step: 50,
  notes: { best: { step: 40, auc: 0.75 }, text: 'a\nline' },
  tensors: new Map([
    ['now/w', tensor('float32', [2, 3], [1, -2, 3.5, 1e-38, -0, 6])],
    ['now/scalar', tensor('float32', [], [7])],
    ['now/empty', tensor('float32', [0, 3], [])],
    ['best/w', tensor('float32', [2, 3], [6, 5, 4, 3, 2, 1])],
  ]),
};
const { identity } = CHECKPOINT;

describe('checkpointPath', () => {
  it('is next to the folder that the model is written to', () => {
    expect(checkpointPath('/a/model')).toBe('/a/model.checkpoint');
    expect(checkpointPath('/a/model//')).toBe('/a/model.checkpoint');
  });
});

describe('writeCheckpoint', () => {
  it('writes what reads back equal, to the bit', () => {
    const floats = fc.array(fc.float({ noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), floats), fc.nat(), fc.jsonValue(), (lists, step, notes) => {
        const tensors = new Map(
          Object.entries(lists).map(([name, values]) => [name, tensor('float32', [values.length], values)]),
        );
        writeCheckpoint(path, { identity, step, notes, tensors });
        const read = readCheckpoint(path, identity)!;
        expect(read.step).toBe(step);
        expect(JSON.stringify(read.notes)).toBe(JSON.stringify(notes));
        expect(read.tensors).toEqual(tensors);
        expect([...read.tensors.keys()]).toEqual([...tensors.keys()]);
      }),
      { numRuns: size(10, 25) },
    );
    writeCheckpoint(path, CHECKPOINT);
    expect(readCheckpoint(path, identity)).toEqual(CHECKPOINT);
  });

  it('replaces the previous one and leaves nothing else', () => {
    writeCheckpoint(path, CHECKPOINT);
    writeCheckpoint(path, { ...CHECKPOINT, step: 60 });
    expect(readCheckpoint(path, identity)!.step).toBe(60);
    expect(readdirSync(root)).toEqual(['model.checkpoint']);
  });

  it('reports that it cannot write, with the cause', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => writeCheckpoint(join(root, 'file', 'model.checkpoint'), CHECKPOINT)).toThrow(
      expect.objectContaining({
        code: 'storage_failed',
        message: expect.stringContaining('cannot write the checkpoint'),
      }),
    );
  });
});

describe('readCheckpoint', () => {
  it('is null when there is none', () => {
    expect(readCheckpoint(path, identity)).toBeNull();
  });

  it('refuses one of another training', () => {
    writeCheckpoint(path, CHECKPOINT);
    expect(() => readCheckpoint(path, 'b'.repeat(64))).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message:
          `${path} belongs to a training run with different settings, different data or another regression library: ` +
          '--resume cannot continue from it',
      }),
    );
  });

  it('refuses one that is cut off, wherever', () => {
    writeCheckpoint(path, CHECKPOINT);
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length += 7) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => readCheckpoint(path, identity), `${length} bytes`).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: expect.stringContaining('is damaged: remove it'),
        }),
      );
    }
    truncateSync(path, 0);
    expect(() => readCheckpoint(path, identity)).toThrow(/is damaged/);
  });

  it('refuses one whose numbers were altered', () => {
    writeCheckpoint(path, CHECKPOINT);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    expect(() => readCheckpoint(path, identity)).toThrow(/is damaged/);
  });
});

describe('removeCheckpoint', () => {
  it('removes it, and does nothing when there is none', () => {
    writeCheckpoint(path, CHECKPOINT);
    removeCheckpoint(path);
    expect(existsSync(path)).toBe(false);
    removeCheckpoint(path);
  });
});
