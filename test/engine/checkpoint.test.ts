/** The file of what an unfinished expansion has done: whole and of the same work, or not used. */
import { describe, expect, it } from 'vitest';
import {
  type CustomisedCheckpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  startCheckpoint,
} from '../../src/engine/expansion/checkpoints.ts';
import { decodeTensorFile, encodeTensorFile } from '../../src/model/tensor-file.ts';

const SHAPE = { users: 7, segments: 3 };

function someWork(): CustomisedCheckpoint {
  const work = startCheckpoint(SHAPE);
  work.scores.set([0.25, Number.NaN, 0.5, -0], 1);
  work.isScored.set([1, 0, 1]);
  const customised = {
    customised: Uint8Array.from([1, 2, 3, 4, 5]),
    epochs: 4,
    quality: { auc: 1 / 3, recall: { '0.05': null } },
    prediction: null,
  };
  return Object.assign(work, { customised, batchSize: 1024 });
}

describe('the file of finished work', () => {
  it('holds all of it, bit by bit, and how long it took', () => {
    const work = someWork();
    const read = decodeCheckpoint(encodeCheckpoint(work, 'key', 1234.5), 'key', SHAPE)!;
    expect(read.workMs).toBe(1234.5);
    expect(read.work).toEqual(work);
    expect(new Uint8Array(read.work.scores.buffer)).toEqual(new Uint8Array(work.scores.buffer));
    expect(JSON.stringify(read.work.customised!.quality)).toBe(JSON.stringify(work.customised.quality));
  });

  it('is not used where a byte was altered, added or lost', () => {
    const bytes = encodeCheckpoint(someWork(), 'key', 1);
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 1;
      expect([at, decodeCheckpoint(altered, 'key', SHAPE)]).toEqual([at, null]);
    }
    for (const length of [0, 1, bytes.indexOf('\n'), bytes.length - 1])
      expect(decodeCheckpoint(bytes.subarray(0, length), 'key', SHAPE)).toBeNull();
    expect(decodeCheckpoint(Buffer.concat([bytes, Buffer.alloc(4)]), 'key', SHAPE)).toBeNull();
  });

  it('is not used where it is of other work, or of another contract', () => {
    const bytes = encodeCheckpoint(someWork(), 'key', 1);
    expect(decodeCheckpoint(bytes, 'another key', SHAPE)).toBeNull();
    expect(decodeCheckpoint(bytes, 'key', { ...SHAPE, users: 8 })).toBeNull();
    expect(decodeCheckpoint(bytes, 'key', { ...SHAPE, segments: 2 })).toBeNull();
    const { tensors, facts } = decodeTensorFile(bytes)!;
    const changed = (change: object) => {
      const parts = encodeTensorFile({ facts: { ...facts, ...change }, tensors });
      return Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
    };
    expect(decodeCheckpoint(changed({}), 'key', SHAPE)).not.toBeNull();
    expect(decodeCheckpoint(changed({ contract: 2 }), 'key', SHAPE)).toBeNull();
    expect(decodeCheckpoint(changed({ more: 1 }), 'key', SHAPE)).toBeNull();
  });
});
