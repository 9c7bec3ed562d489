/** The API key: when it is needed, and whether a request has it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { AppError } from '../../lib/errors.ts';

/** Refuses (`invalid_argument`) to serve other machines without a key: a non-loopback host needs one. */
export function requireKeyFor(host: string, apiKey: string | null): void {
  if (isLoopback(host) || (apiKey !== null && apiKey !== '')) return;
  throw new AppError(
    'invalid_argument',
    `host ${host} can be reached from other machines: set METAHEAC_API_KEY, or serve on 127.0.0.1`,
  );
}

/** A check of `Authorization: Bearer <key>` in a time that does not depend on how much of the key is right. */
export function createKeyCheck(apiKey: string): (authorization: string | undefined) => boolean {
  const expected = digest(apiKey);
  return (authorization) => {
    const [, token] = /^bearer +(\S.*)$/i.exec(authorization ?? '') ?? [];
    return token !== undefined && timingSafeEqual(digest(token), expected);
  };
}

function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** Digests have a fixed length, which `timingSafeEqual` requires, and hide the key's length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
