/** API keys: their scopes, and how keys are created and recognised. */
import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../lib/errors.ts';
import type { Labels } from './types.ts';

/** The scopes of a key; each includes the ones before it. */
export const SCOPES = ['read', 'write', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** A key without its secret. Times are milliseconds since 1970. */
export interface ApiKey {
  /** The beginning of the key, which may be shown and logged. */
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /**
   * The key gives access only to campaigns that have all of these labels; without labels, it gives access to all
   * campaigns.
   */
  readonly labels: Labels;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** When the service found that the key had expired: from then on the key stays expired, whatever the clock says. */
  readonly expiredAt: number | null;
  readonly revokedAt: number | null;
}

export type NewApiKey = Pick<ApiKey, 'name' | 'scope' | 'labels' | 'expiresAt'>;

/** A key with its hash, which the keys in requests are compared with. */
export interface StoredApiKey extends ApiKey {
  readonly sha256: string;
}

const ID_BYTES = 6;
/** 256 bits. */
const SECRET_BYTES = 32;
const FORM = /^(mh_[0-9a-f]{12})_[\w-]{43}$/;

/** A new key: its public id, and the text that is shown once. */
export function newApiKey(): { readonly id: string; readonly key: string } {
  const id = `mh_${randomBytes(ID_BYTES).toString('hex')}`;
  return { id, key: `${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/** The id at the beginning of a text that has the form of a key; null for any other text. */
export function apiKeyIdOf(text: string): string | null {
  return FORM.exec(text)?.[1] ?? null;
}

/** The sha256 of a key. Only this is stored: a plain hash suffices for 256 random bits. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Whether a key with `scope` may perform an operation that requires the scope `needed`. */
export function includesScope(scope: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}

/** Whether `labels` include all of `needed`. */
export function includesLabels(labels: Labels, needed: Labels): boolean {
  return Object.entries(needed).every(([key, text]) => Object.hasOwn(labels, key) && labels[key] === text);
}

/**
 * Throws if there are already `maximum` keys that are not revoked.
 * @throws AppError too_many_keys
 */
export function refuseMoreKeys(count: number, maximum: number): void {
  if (count >= maximum) throw new AppError('too_many_keys', `there are ${count} keys; the maximum is ${maximum}`);
}
