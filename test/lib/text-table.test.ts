/** The table of texts: compared with a Map, during growth, and its refusals. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherTexts, ILL_FORMED, TextTable, TOO_LONG } from '../../src/lib/text/text-table.ts';
import { createDictionary } from '../../src/population/read/dictionary.ts';
import { createDirectory } from '../../src/population/read/directory.ts';

describe('TextTable', () => {
  it('numbers texts in the order of their first arrival, as a Map would', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.integer({ max: 50 }).map(String));
    const property = fc.property(fc.array(text, { maxLength: 400 }), fc.array(text), (texts, others) => {
      const model = new Map<string, number>();
      const table = new TextTable();
      for (const one of texts) {
        if (!model.has(one)) model.set(one, model.size);
        expect(table.add(one, 100)).toBe(model.get(one));
      }
      const reopened = new TextTable(table.bytes.slice(), table.ends.slice());
      for (const one of [table, reopened]) {
        expect(one.count).toBe(model.size);
        for (const [key, index] of model) expect([one.find(key), one.text(index)]).toEqual([index, key]);
        for (const other of others) expect(one.find(other)).toBe(model.get(other) ?? -1);
        const both = [...others, ...model.keys(), ...others];
        expect([...one.findAll(gatherTexts(both))]).toEqual(both.map((text) => model.get(text) ?? -1));
      }
    });
    fc.assert(property);
  });

  it('keeps 200,000 texts while growing many times, and continues after being reopened', () => {
    const table = new TextTable();
    for (let i = 0; i < 100_000; i++) table.add(`u${i}`, 256);
    const reopened = new TextTable(table.bytes.slice(), table.ends.slice());
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) if (reopened.add(`u${i}`, 256) !== i) wrong += 1;
    expect(wrong).toBe(0);
    expect(reopened.count).toBe(200_000);
    expect(table.count).toBe(100_000);
  });

  it('does not write to the given arrays', () => {
    const bytes = new Uint8Array([0x61]);
    const ends = new Uint32Array([1]);
    new TextTable(bytes, ends).add('b', 10);
    expect([[...bytes], [...ends]]).toEqual([[0x61], [1]]);
  });

  it('refuses a text that is too long in bytes, or that is not text, and adds nothing', () => {
    const table = new TextTable();
    expect(table.add('éé', 4)).toBe(0);
    expect(table.add('ééa', 4)).toBe(TOO_LONG);
    expect(table.add('abcde', 4)).toBe(TOO_LONG);
    expect(table.add('\ud800', 4)).toBe(ILL_FORMED);
    expect(table.count).toBe(1);
  });

  it('finds nothing for half of a surrogate pair, nor for its replacement', () => {
    const table = new TextTable();
    table.add('a\ufffd', 100);
    expect(table.find('a\ud800')).toBe(-1);
    expect(table.find('a\ufffd')).toBe(0);
  });

  it('gathers texts as UTF-8 in memory of their own', () => {
    const table = new TextTable();
    for (const text of ['', 'a', '😀é', 'long-er']) table.add(text, 20);
    const { bytes, ends } = table.gather(Uint32Array.of(3, 0, 2, 1, 3));
    expect(Buffer.from(bytes).toString()).toBe('long-er😀éalong-er');
    expect([...ends]).toEqual([7, 7, 13, 14, 21]);
    expect(bytes.buffer.byteLength).toBe(21);
    expect(() => table.gather(Uint32Array.of(1, 4))).toThrow(RangeError);
    expect(table.gather(new Uint32Array(0)).bytes).toHaveLength(0);
  });

  it('throws for an index out of range', () => {
    const table = new TextTable();
    expect(() => table.text(0)).toThrow(RangeError);
    table.add('a', 1);
    expect(() => table.text(1)).toThrow(RangeError);
    expect(() => table.text(-1)).toThrow(RangeError);
    expect(() => table.text(0.5)).toThrow(RangeError);
  });
});

describe('createDirectory and createDictionary', () => {
  it('number users from 0 and tokens from 1', () => {
    const table = new TextTable();
    table.add('a', 1);
    table.add('b', 1);
    const directory = createDirectory(table, { has: () => false });
    expect([...directory.findAll(gatherTexts(['c', 'b', 'a']))]).toEqual([-1, 1, 0]);
    const without = createDirectory(table, { has: (user) => user === 1 });
    expect([...without.findAll(gatherTexts(['a', 'b']))]).toEqual([0, -1]);
    expect([directory.size, directory.find('b'), directory.find('c'), directory.id(0)]).toEqual([2, 1, -1, 'a']);
    const dictionary = createDictionary(table);
    expect([dictionary.size, dictionary.find('b'), dictionary.find('c'), dictionary.find('')]).toEqual([3, 2, 0, 0]);
    expect([dictionary.token(0), dictionary.token(1)]).toEqual(['', 'a']);
    expect(() => dictionary.token(3)).toThrow(RangeError);
  });
});
