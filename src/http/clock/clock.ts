/** Response schema of the service's clock. */
import { z } from 'zod';
import type { ClockStatus } from '../../lib/service-clock.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, seconds, time } from '../plugins/json/fields.ts';

export const CLOCK_EXAMPLE = {
  state: 'settled',
  time: '2026-11-26T12:00:00.000Z',
  ahead_seconds: 0,
  settles_in_seconds: null,
  jumps: 0,
} as const;

/** The state of the machine's clock, and the time of the service. */
export interface ShownClock extends ClockStatus {
  /** Milliseconds since 1970. */
  readonly time: number;
}

export const clock = answerOf<ShownClock>()(
  { id: 'Clock', examples: [CLOCK_EXAMPLE] },
  {
    state: z
      .enum(['settled', 'new', 'jumped'])
      .describe(
        "`settled`: the machine's clock is trusted. `new`: the machine has just started; the service follows its " +
          'clock. `jumped`: the clock jumped by more than an hour; the service does not follow it. Nothing is ' +
          'deleted because of its age unless the clock is `settled`.',
      ),
    time: time.describe("The service's time."),
    ahead_seconds: seconds.describe("How far the machine's clock is ahead of the service; negative if it is behind."),
    settles_in_seconds: z
      .number()
      .min(0)
      .nullable()
      .describe(
        "Seconds until the machine's clock is trusted, unless it jumps again; `null` if it is trusted already.",
      ),
    jumps: count.describe('Number of jumps of more than an hour since the service started.'),
  },
  {
    ahead_seconds: ({ aheadMs }) => aheadMs,
    settles_in_seconds: ({ settlesInMs: ms }) => (ms === null ? null : ms / 1000),
  },
);
