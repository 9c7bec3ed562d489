/** Query strings: what is remembered of them. */
import { describe, expect, it } from 'vitest';
import { createQueryParser } from '../../../src/http/plugins/query-strings.ts';

describe('a parser of query strings', () => {
  it('returns the same frozen result for the same text', () => {
    const parse = createQueryParser();
    const query = parse('size=10&cut=a%20b');
    expect(query).toEqual({ size: '10', cut: 'a b' });
    expect(parse('size=10&cut=a%20b')).toBe(query);
    expect(Object.isFrozen(query)).toBe(true);
  });

  it('forgets results when too many are remembered', () => {
    const parse = createQueryParser();
    const first = parse('cursor=0');
    for (let i = 1; i < 100; i++) parse(`cursor=${i}`);
    expect(parse('cursor=0')).toEqual(first);
    expect(parse('cursor=0')).not.toBe(first);
  });
});
