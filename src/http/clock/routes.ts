/**
 * The service's clock: a route that shows it, and one through which an operator confirms that the machine's clock is
 * right.
 */

import { z } from 'zod';
import type { ClockStatus } from '../../lib/service-clock.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, seconds, time } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';

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

export const clockAnswer = answerOf<ShownClock>()(
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

export function addClockRoutes(app: ServerApp, { clock }: ServerDependencies): void {
  app.post(
    '/v1/clock/confirm',
    describeRoute({
      operationId: 'confirmClock',
      scope: 'admin',
      tags: ['information'],
      summary: "Confirm that the machine's clock is right",
      description:
        "After a jump of the machine's clock by more than an hour, the service keeps its own time until the " +
        "clock has been stable for an hour. This call makes the service adopt the machine's time at once, so " +
        'keys expire by the new time, and data that is too old by the new time is deleted. If the jump ' +
        'corrected a wrong clock, wait for an hour instead, so that keys and data do not age because of the ' +
        'correction. `GET /v1/status` shows the state of the clock.',
      response: { 200: json('The new state of the clock.', clockAnswer) },
    }),
    async () => {
      clock.confirm();
      return { ...clock.status, time: clock.now() };
    },
  );
}
