/** Canonical JSON (RFC 8785): the same text for any order of keys. */
import { describe, expect, it } from 'vitest';
import { canonicalJson, sortedEntries } from '../../src/lib/text/canonical-json.ts';

describe('canonicalJson', () => {
  it('sorts keys by UTF-16 code units at every depth, without spaces', () => {
    const value = { ö: 1, '\r': 'Carriage Return', '1': [{ b: null, a: true }], '10': 0, '\u20ac': -0, z: 1e30 };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":[{"a":true,"b":null}],"10":0,"z":1e+30,"ö":1,"€":0}',
    );
  });

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ b: undefined, a: 'x' })).toBe('{"a":"x"}');
  });
});

describe('sortedEntries', () => {
  it('orders keys that look like numbers as texts', () => {
    expect(sortedEntries({ '10': 'b', '9': 'c', a: 'd', '1': 'a' })).toEqual([
      ['1', 'a'],
      ['10', 'b'],
      ['9', 'c'],
      ['a', 'd'],
    ]);
  });
});
