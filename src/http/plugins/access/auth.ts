/** Reads API keys from requests and compares them. */
import { hash, timingSafeEqual } from 'node:crypto';

/** The token of `Authorization: Bearer <token>`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
}

/** Compares two digests in constant time. Returns false if there is no secret. */
export function secretCheck(secret: string | null): (given: Buffer) => boolean {
  if (secret === null) return () => false;
  const expected = digest(secret);
  return (given) => timingSafeEqual(given, expected);
}

/**
 * SHA-256 digest of a text. `timingSafeEqual` requires a fixed length, and digests hide the length of the key. `hash`
 * takes 0.65 us for each request with a key; a `createHash` object takes 2.5 us.
 */
export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
