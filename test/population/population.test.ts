/** Reading: rows gathered in any order, the cache of segments, and bugs of the caller. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { gatherRows } from '../../src/population/read/gather.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { SegmentCache } from '../../src/population/read/segment-cache.ts';
import { SegmentMemory } from '../../src/population/read/segment-memory.ts';
import type { Rows } from '../../src/population/read/segments.ts';
import { useFolders } from '../fixture/folders.ts';
import { allCodesOf, codesOf, FEATURES, importUsers, USERS } from './support.ts';

const newFolder = useFolders();

describe('readRows', () => {
  it('gathers rows of several segments in any order, with repeats', async () => {
    const count = 140_000;
    const lengthOf = (i: number) => (i * 7) % 4;
    const users = Array.from({ length: count }, (_, i) => {
      const likes = Array.from({ length: lengthOf(i) }, (_, j) => `"t${(i + j) % 50}"`).join(',');
      return `{"user_id":"u${i}","city":"c${i % 11}","likes":[${likes}]}\n`;
    }).join('');
    const out = newFolder();
    await importUsers(newFolder(), out, users);
    const population = openPopulation(out, { cacheBytes: 1_000_000 });
    const rng = createRng('gather');
    const asked = Int32Array.from([
      0,
      count - 1,
      65_535,
      65_536,
      65_536,
      ...Array.from({ length: 500 }, () => rng.integer(count)),
    ]);
    const rows = population.readRows(asked);
    const [city, likes] = [population.dictionary('city'), population.dictionary('likes')];
    expect(rows.count).toBe(asked.length);
    expect([...rows.userNumbers]).toEqual([...asked]);
    for (const [place, row] of asked.entries()) {
      expect(city.token(allCodesOf(rows.columns.get('city'))[place]!)).toBe(`c${row % 11}`);
      const tokens = codesOf(rows.columns.get('likes')!, place).map((code) => likes.token(code));
      expect(tokens).toEqual(Array.from({ length: lengthOf(row) }, (_, j) => `t${(row + j) % 50}`));
    }
    expect(openPopulation(out, { cacheBytes: 0 }).readRows(asked)).toEqual(rows);

    // the last segment is smaller than those before: what they left behind it is none of it
    const memory = new SegmentMemory();
    const uncached = openPopulation(out, { cacheBytes: 0 });
    // true or false: a difference of so many rows would take minutes to print
    for (let segment = 0; segment < 3; segment++)
      expect(isDeepStrictEqual(uncached.readSegment(segment, memory), population.readSegment(segment))).toBe(true);
    const first = uncached.readSegment(0, memory);
    const before = first.userNumbers[0];
    expect(uncached.readSegment(2, memory).userNumbers.buffer === first.userNumbers.buffer).toBe(true);
    expect(first.userNumbers[0]).not.toBe(before);
  });

  it('returns no rows for none, and throws on a row that is not there', async () => {
    const out = newFolder();
    await importUsers(newFolder(), out, USERS);
    const population = openPopulation(out);
    expect(population.readRows(new Int32Array(0))).toMatchObject({ count: 0, userNumbers: new Int32Array(0) });
    expect(() => population.readRows(Int32Array.of(4))).toThrow(RangeError);
    expect(() => population.readRows(Int32Array.of(-1))).toThrow(RangeError);
    expect(() => population.readSegment(1)).toThrow(RangeError);
    expect(() => population.dictionary('zip')).toThrow('the population has no feature "zip"');
  });

  it('returns the same of a population that is trusted', async () => {
    const out = newFolder();
    await importUsers(newFolder(), out, USERS);
    const [full, trusted] = [openPopulation(out), openPopulation(out, { trusted: true })];
    expect(trusted.rowOf).toEqual(full.rowOf);
    expect(trusted.directory.find('çelik')).toBe(2);
    expect(trusted.readSegment(0)).toEqual(full.readSegment(0));
  });
});

describe('gatherRows', () => {
  it('loads a segment once, and only those that are needed', () => {
    const loaded: number[] = [];
    const load = (index: number): Rows => {
      loaded.push(index);
      const size = 65_536;
      return {
        count: size,
        userNumbers: new Int32Array(size).fill(index),
        columns: new Map([
          ['city', { kind: 'single', codes: new Int32Array(size) }],
          ['likes', { kind: 'multi', offsets: new Int32Array(size + 1), codes: new Int32Array(0) }],
        ]),
      };
    };
    const rows = gatherRows(Int32Array.of(200_000, 3, 199_999, 7), 262_144, FEATURES, load);
    expect(loaded).toEqual([0, 3]);
    expect([...rows.userNumbers]).toEqual([3, 0, 3, 0]);
  });
});

describe('SegmentCache', () => {
  const rowsOf = (count: number): Rows => ({ count, userNumbers: new Int32Array(count), columns: new Map() });

  it('keeps what was used last, within its bytes', () => {
    const loaded: number[] = [];
    const cache = new SegmentCache(800, (index) => {
      loaded.push(index);
      return rowsOf(100);
    });
    for (const index of [0, 1, 0, 2, 0, 1]) cache.get(index);
    expect(loaded).toEqual([0, 1, 2, 1]);
    expect(cache.bytes).toBe(800);
    expect([0, 1, 2].map((index) => cache.find(index) !== undefined)).toEqual([true, true, false]);
  });

  it('does not keep one that is larger than its limit', () => {
    const cache = new SegmentCache(100, () => rowsOf(26));
    expect(cache.get(0).count).toBe(26);
    expect([cache.bytes, cache.find(0)]).toEqual([0, undefined]);
  });
});
