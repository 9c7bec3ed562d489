/** Which hosts need a key. */
import { describe, expect, it } from 'vitest';
import { bearerOf, digest, secretCheck } from '../../../src/http/plugins/access/access.ts';
import { requireKeyFor } from '../../../src/lib/listening.ts';

describe('requireKeyFor', () => {
  it.each(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'needs none on %s',
    (host) => {
      expect(() => requireKeyFor(host, false)).not.toThrow();
    },
  );

  it.each([
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    'example.org',
    '127.example.org',
    '127.0.0.1.example.org',
    '::ffff:10.0.0.1',
  ])('needs one on %j', (host) => {
    expect(() => requireKeyFor(host, false)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => requireKeyFor(host, true)).not.toThrow();
  });
});

describe('requireKeyFor a trusted proxy', () => {
  it('needs one on every host', () => {
    expect(() => requireKeyFor('127.0.0.1', false, ['10.0.0.7'])).toThrow(/behind a trusted proxy/);
    expect(() => requireKeyFor('127.0.0.1', true, ['10.0.0.7'])).not.toThrow();
  });
});

describe('a secret', () => {
  it('takes the key in any case of the scheme, and nothing else', () => {
    const isRight = secretCheck('k y');
    const hasKey = (authorization: string | undefined) => {
      const token = bearerOf(authorization);
      return token !== undefined && isRight(digest(token));
    };
    expect(['Bearer k y', 'bearer  k y', 'BEARER k y'].every(hasKey)).toBe(true);
    expect([undefined, '', 'k y', 'Bearer', 'Bearer ', 'Bearer k', 'Bearer k y ', 'Basic k y'].some(hasKey)).toBe(
      false,
    );
  });
});
