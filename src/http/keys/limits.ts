/** Limits of API keys. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const KEY_LIMITS = {
  maximumKeys: {
    default: 1_000,
    unit: 'keys',
    description: 'Number of API keys that are not revoked.',
  },
} as const satisfies LimitRows;

export type KeyLimits = LimitValues<typeof KEY_LIMITS>;
