/** Reads of blobs whose parts have to be fetched first. */
import { expect, it } from 'vitest';
import { PartMissing, untilRead } from '../../src/domain/ports/blobs.ts';

const failed = new Error('failed');

/** Work that needs `parts` parts, and counts how often it ran. */
function workOn(parts: readonly number[]): { run: () => string; here: Set<number>; runs: number } {
  const work = {
    here: new Set<number>(),
    runs: 0,
    run: () => {
      work.runs += 1;
      for (const part of parts)
        if (!work.here.has(part)) throw new PartMissing(() => Promise.resolve().then(() => void work.here.add(part)));
      return 'read';
    },
  };
  return work;
}

it('returns a result at once, without a promise, if nothing is missing', () => {
  expect(untilRead(() => 7)).toBe(7);
});

it('fetches one missing part after the other and repeats the work', async () => {
  const work = workOn([1, 2, 3]);
  const result = untilRead(work.run);
  expect(result).toBeInstanceOf(Promise);
  expect(await result).toBe('read');
  expect([[...work.here], work.runs]).toEqual([[1, 2, 3], 4]);
});

it('throws an error of the work at once, and later rejects with it', async () => {
  const fail = () => {
    throw failed;
  };
  expect(() => untilRead(fail)).toThrow(failed);
  let runs = 0;
  const late = untilRead(() => {
    runs += 1;
    if (runs === 1) throw new PartMissing(async () => {});
    return fail();
  });
  await expect(late).rejects.toBe(failed);
});

it('rejects with the error of a fetch, without repeating the work', async () => {
  let runs = 0;
  const result = untilRead(() => {
    runs += 1;
    throw new PartMissing(() => Promise.reject(failed));
  });
  await expect(result).rejects.toBe(failed);
  expect(runs).toBe(1);
});

it('gives up if parts disappear again before the work can read them', async () => {
  let fetches = 0;
  const result = untilRead(() => {
    throw new PartMissing(async () => void fetches++);
  });
  await expect(result).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('too small') });
  expect(fetches).toBe(4_096);
});
