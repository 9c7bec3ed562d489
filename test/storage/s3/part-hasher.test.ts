import { expect, it } from 'vitest';
import { createRng } from '../../../src/lib/rng.ts';
import { inMemory, PartHasher, sumsOf } from '../../../src/storage/s3/upload.ts';

const PART = 100;

it.each([0, 1, PART - 1, PART, PART + 1, 3 * PART, 1_234])(
  'hashes the parts of %i bytes as they are written',
  (size) => {
    const rng = createRng(`hash ${size}`);
    const bytes = Uint8Array.from({ length: size }, () => rng.integer(256));
    for (const most of [1, 7, PART, 5 * PART]) {
      const hasher = new PartHasher(PART);
      for (let at = 0; at < size; ) {
        const length = 1 + rng.integer(most);
        hasher.add(bytes.subarray(at, at + length));
        at += length;
      }
      expect(hasher.end()).toEqual(sumsOf(inMemory(bytes), PART));
    }
  },
);
