/** Keys in requests: how they are sent, and how they are compared. */
import { hash, timingSafeEqual } from 'node:crypto';

/** The token of `Authorization: Bearer <token>`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
}

/** Compares a digest with that of a secret in constant time; false if there is no secret. */
export function secretCheck(secret: string | null): (given: Buffer) => boolean {
  if (secret === null) return () => false;
  const expected = digest(secret);
  return (given) => timingSafeEqual(given, expected);
}

/**
 * SHA-256. Digests have a fixed length, which `timingSafeEqual` requires, and hide the key's length. `hash` converts a
 * text in .65 us, which each request with a key pays; an object of `createHash` takes 2.5 us.
 */
export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
