/** Random numbers: xoshiro128** from the key's sha256, uniform, with independent forks. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng, Sampler, sample, sampleWithoutReplacement, shuffle } from '../../src/lib/rng.ts';

/** xoshiro128** as its authors publish it, in BigInt. */
function reference(key: string, count: number): number[] {
  const digest = createHash('sha256').update(key).digest();
  const s = [0, 1, 2, 3].map((i) => BigInt(digest.readUInt32LE(4 * i)));
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  return Array.from({ length: count }, () => {
    const result = (rotate((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11n);
    return Number(result);
  });
}

const draw = (count: number, next: () => number): number[] => Array.from({ length: count }, next);

describe('createRng', () => {
  it('draws the numbers of xoshiro128**', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        const rng = createRng(key);
        expect(draw(20, () => rng.uint32())).toEqual(reference(key, 20));
      }),
      { numRuns: 50 },
    );
  });

  it('is uniform in [0, 1) with 53 bits', () => {
    const rng = createRng('uniform');
    const counts = new Array<number>(10).fill(0);
    const values = draw(20_000, () => rng.uniform());
    for (const x of values) counts[Math.floor(10 * x)]! += 1;
    expect(values.every((x) => x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53))).toBe(true);
    expect(values.some((x) => !Number.isInteger(x * 2 ** 32))).toBe(true);
    // Chi-square with 9 degrees of freedom: 27.9 is exceeded once in 1000 keys.
    expect(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)).toBeLessThan(27.9);
  });

  it('draws integers below a bound without bias, and refuses invalid bounds', () => {
    const rng = createRng('integer');
    // With a modulo alone, the lower third would be drawn twice as often.
    const bound = 3 * 2 ** 30;
    const low = draw(3000, () => rng.integer(bound)).filter((x) => x < 2 ** 30).length;
    expect(Math.abs(low - 1000)).toBeLessThan(100);
    for (const wrong of [0, -1, 2 ** 32 + 1, Number.NaN]) expect(() => rng.integer(wrong)).toThrow(RangeError);
    expect(rng.integer(1)).toBe(0);
  });

  it('draws a standard normal', () => {
    const rng = createRng('normal');
    const values = draw(20_000, () => rng.normal());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
    expect(values.filter((x) => Math.abs(x) > 1.96).length / values.length).toBeCloseTo(0.05, 2);
  });

  it('forks a stream that depends on the label, not on earlier draws', () => {
    const rng = createRng('fork');
    const early = rng.fork('a').uint32();
    rng.normal();
    expect(rng.fork('a').uint32()).toBe(early);
    expect(rng.fork('b').uint32()).not.toBe(early);
    expect(createRng('other').fork('a').uint32()).not.toBe(early);
  });
});

describe('shuffle', () => {
  it('keeps every item, and can put each anywhere', () => {
    const places = new Array<number>(4).fill(0);
    const rng = createRng('shuffle');
    for (let i = 0; i < 4000; i++) {
      const items = Int32Array.from([10, 20, 30, 40]);
      shuffle(rng, items);
      places[items.indexOf(10)]! += 1;
      expect([...items].sort()).toEqual([10, 20, 30, 40]);
    }
    for (const count of places) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('sampleWithoutReplacement', () => {
  it('draws distinct integers below the bound, all of them if necessary', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 80 }),
        fc.string(),
        (bound, count, key) => {
          const sample = [...sampleWithoutReplacement(createRng(key), bound, count)];
          expect(sample).toHaveLength(Math.min(bound, count));
          expect(new Set(sample).size).toBe(sample.length);
          expect(sample.every((x) => x >= 0 && x < bound)).toBe(true);
        },
      ),
    );
  });

  it.each([
    [40, 40],
    [100, 7],
    [100, 6],
    [1000, 3],
  ])('draws, below %i, the first %i of a shuffle, whether it uses an array or a map', (bound, count) => {
    const rng = createRng('shuffle');
    const places = Array.from({ length: bound }, (_, i) => i);
    for (let i = 0; i < count; i++) {
      const j = i + rng.integer(bound - i);
      [places[i], places[j]] = [places[j]!, places[i]!];
    }
    expect([...sampleWithoutReplacement(createRng('shuffle'), bound, count)]).toEqual(places.slice(0, count));
  });

  it('draws each equally often, also from a bound too large for memory', () => {
    const rng = createRng('sample');
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 3000; i++) for (const x of sampleWithoutReplacement(rng, 5, 2)) counts[x]! += 1;
    for (const count of counts) expect(Math.abs(count - 1200)).toBeLessThan(130);
    expect(sampleWithoutReplacement(rng, 2 ** 31, 3)).toHaveLength(3);
  });
});

describe('sample', () => {
  it('takes the items at indexes that are sampled without replacement', () => {
    const items = Int32Array.from({ length: 50 }, (_, i) => 3 * i);
    const places = sampleWithoutReplacement(createRng('sample'), items.length, 20);
    expect(sample(createRng('sample'), items, 20)).toEqual(places.map((place) => items[place]!));
    expect(sample(createRng('sample'), items, 99).sort()).toEqual(items);
  });
});

describe('Sampler', () => {
  it('draws the samples of `sample`, one after another', () => {
    const items = Int32Array.from({ length: 50 }, (_, i) => 3 * i);
    const sampler = new Sampler(items);
    const [rng, other] = [createRng('samples'), createRng('samples')];
    for (const count of [20, 50, 3, 99, 0, 20]) expect(sampler.draw(rng, count)).toEqual(sample(other, items, count));
  });
});
