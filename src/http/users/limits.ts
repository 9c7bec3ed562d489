/** Limits of erasing users. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const USER_LIMITS = {
  maximumWaitingErasures: {
    default: 1_000,
    unit: 'requests',
    description: 'Requests to erase a user that wait at the same time; one more gets 503.',
  },
} as const satisfies LimitRows;

export type UserLimits = LimitValues<typeof USER_LIMITS>;
