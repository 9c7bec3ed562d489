/** Limits of the service's clock. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const CLOCK_LIMITS = {
  clockSettleMs: {
    default: 3_600_000,
    unit: 'ms',
    description:
      "Milliseconds for which the machine's clock must be stable after a jump of more than an hour, or a start of the " +
      'machine, before it is believed.',
  },
} as const satisfies LimitRows;

export type ClockLimits = LimitValues<typeof CLOCK_LIMITS>;
