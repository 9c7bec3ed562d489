/** API keys: their scopes, and how keys are created and recognised. */
import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../lib/errors.ts';
import type { Labels } from './types.ts';

/** The scopes of an API key, in ascending order: each scope includes all earlier scopes. */
export const SCOPES = ['read', 'write', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** An API key without its secret. Times are in milliseconds since 1970. */
export interface ApiKey {
  /** The first characters of the key, which may be shown and logged. */
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /**
   * Labels that limit which campaigns a key can access: only campaigns with all these labels. A key without labels
   * gives access to all campaigns.
   */
  readonly labels: Labels;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /**
   * Time at which the service found that the key had expired. From then on, the key stays expired, even if the clock is
   * set back.
   */
  readonly expiredAt: number | null;
  readonly revokedAt: number | null;
}

export type NewApiKey = Pick<ApiKey, 'name' | 'scope' | 'labels' | 'expiresAt'>;

/** An API key with its hash. Keys in requests are compared with this hash. */
export interface StoredApiKey extends ApiKey {
  readonly sha256: string;
}

const ID_BYTES = 6;
/** Number of random bytes in a key: 256 bits. */
const SECRET_BYTES = 32;
const FORM = /^(mh_[0-9a-f]{12})_[\w-]{43}$/;

/** Returns a new key: its public id, and its text, which is shown only once. */
export function newApiKey(): { readonly id: string; readonly key: string } {
  const id = `mh_${randomBytes(ID_BYTES).toString('hex')}`;
  return { id, key: `${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/** Returns the id at the beginning of a key; null if the text does not have the form of a key. */
export function apiKeyIdOf(text: string): string | null {
  return FORM.exec(text)?.[1] ?? null;
}

/** The sha256 of a key. Only this hash is stored; a plain hash suffices because a key has 256 random bits. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Whether a key with the scope `scope` may perform an operation that requires the scope `needed`. */
export function includesScope(scope: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}

/** Whether `labels` include all of `needed`. */
export function includesLabels(labels: Labels, needed: Labels): boolean {
  return Object.entries(needed).every(([key, text]) => Object.hasOwn(labels, key) && labels[key] === text);
}

/**
 * Throws if `maximum` unrevoked keys already exist.
 * @throws AppError too_many_keys
 */
export function refuseMoreKeys(count: number, maximum: number): void {
  if (count >= maximum) throw new AppError('too_many_keys', `there are ${count} keys; the maximum is ${maximum}`);
}
