/** Content negotiation. */
import { describe, expect, it } from 'vitest';
import { acceptsGzip, negotiate } from '../../../src/server/http/accept.ts';

const OFFERS = ['application/json', 'application/x-ndjson', 'text/csv'] as const;

describe('negotiate', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['Text/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['text/html, application/x-ndjson', 'application/x-ndjson'],
    ['application/json;q=0.5, text/csv;q=0.8', 'text/csv'],
    ['application/json;q=0, */*', 'application/x-ndjson'],
    ['*/*;q=0.1, text/csv;q=0.2', 'text/csv'],
    ['application/problem+json, */*;q=0.5', 'application/json'],
  ])('of %j takes %s', (accept, expected) => {
    expect(negotiate(accept, OFFERS)).toBe(expected);
  });

  it.each(['image/png', 'text/html', '*/*;q=0', 'application/json;q=2', 'nonsense'])(
    'finds nothing for %j',
    (accept) => {
      expect(() => negotiate(accept, OFFERS)).toThrow(expect.objectContaining({ code: 'not_acceptable' }));
    },
  );
});

describe('acceptsGzip', () => {
  it.each(['gzip', 'GZIP', 'x-gzip', 'deflate, gzip;q=0.5', '*', '*;q=0.1', 'gzip, identity', 'br;q=1, gzip;q=0.2'])(
    'says yes of %s',
    (header) => {
      expect(acceptsGzip(header)).toBe(true);
    },
  );

  it.each([
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    '*;q=0',
    'gzip;q=0, *',
    'gzip;q=0.5, identity;q=0.9',
    'gzip;q=x',
  ])('says no of %s', (header) => {
    expect(acceptsGzip(header)).toBe(false);
  });
});
