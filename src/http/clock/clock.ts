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

/** The state of the machine's clock, and the service's time. */
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
        "State of the machine's clock. `settled`: the clock is trusted. `new`: the machine has just started, " +
          'and the service follows the clock. `jumped`: the clock jumped by more than an hour, and the service ' +
          'does not follow the clock. Data is deleted because of its age only if the clock is `settled`.',
      ),
    time: time.describe('Time of the service.'),
    ahead_seconds: seconds.describe(
      "Seconds by which the machine's clock is ahead of the service's time; negative if the clock is behind.",
    ),
    settles_in_seconds: z
      .number()
      .min(0)
      .nullable()
      .describe(
        "Seconds until the machine's clock is trusted, unless the clock jumps again; `null` if the clock is " +
          'already trusted.',
      ),
    jumps: count.describe("Number of jumps of the machine's clock by more than an hour since the service started."),
  },
  {
    ahead_seconds: ({ aheadMs }) => aheadMs,
    settles_in_seconds: ({ settlesInMs: ms }) => (ms === null ? null : ms / 1000),
  },
);
