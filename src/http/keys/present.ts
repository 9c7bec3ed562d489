/** API keys in the words of the API. */
import type { z } from 'zod';
import type { ApiKey } from '../../domain/api-keys.ts';
import { presentTime } from '../plugins/present-time.ts';
import type { keySchema } from './schemas.ts';

/** A key as JSON, without its secret. */
export function presentKey(apiKey: ApiKey): z.output<typeof keySchema> {
  const { id, name, scope, labels, createdAt, expiresAt, revokedAt } = apiKey;
  return {
    id,
    name,
    scope,
    labels,
    created_at: presentTime(createdAt),
    expires_at: expiresAt === null ? null : presentTime(expiresAt),
    revoked_at: revokedAt === null ? null : presentTime(revokedAt),
  };
}
