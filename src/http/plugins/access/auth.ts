/** Keys in requests and settings: when one is needed, how it is sent, and how it is compared. */
import { hash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { AppError } from '../../../lib/errors.ts';

/**
 * Refuses (`invalid_argument`) to serve other machines without a key: a non-loopback host needs one, and so does a
 * proxy, which reaches a loopback host from its own machine.
 */
export function requireKeyFor(host: string, hasKey: boolean, trustedProxies: readonly string[] = []): void {
  if (hasKey || (isLoopback(host) && trustedProxies.length === 0)) return;
  const [what, instead] = isLoopback(host)
    ? ['the service behind a trusted proxy', 'trust no proxy']
    : [`host ${host}`, 'serve on 127.0.0.1'];
  throw new AppError(
    'invalid_argument',
    `${what} can be reached from other machines: set METAHEAC_API_KEY, make a key with ` +
      `\`metaheac keys create\`, or ${instead}`,
  );
}

/** The token of `Authorization: Bearer <token>`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
}

/** Compares a digest with that of a secret in constant time; false where there is no secret. */
export function secretCheck(secret: string | null): (given: Buffer) => boolean {
  if (secret === null) return () => false;
  const expected = digest(secret);
  return (given) => timingSafeEqual(given, expected);
}

export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/**
 * SHA-256. Digests have a fixed length, which `timingSafeEqual` requires, and hide the key's length. By way of text, as
 * that takes .65 us, and an object of `createHash` 2.5 us, in each request with a key.
 */
export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
