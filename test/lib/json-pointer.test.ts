import { describe, expect, it } from 'vitest';
import { jsonPointer } from '../../src/lib/json-pointer.ts';

describe('jsonPointer', () => {
  it('is empty for the root', () => expect(jsonPointer()).toBe(''));
  it('names each step', () => expect(jsonPointer('filters', 'country', 1)).toBe('/filters/country/1'));
  it('escapes ~ before /', () => expect(jsonPointer('a~1/b')).toBe('/a~01~1b'));
});
