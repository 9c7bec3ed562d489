/** The shape of the service's clock. */
import { z } from 'zod';
import type { ClockStatus } from '../../lib/service-clock.ts';
import { count, time } from '../plugins/json/fields.ts';
import { presentTime } from '../plugins/present-time.ts';

export const CLOCK_EXAMPLE = {
  state: 'settled',
  time: '2026-11-26T12:00:00.000Z',
  ahead_seconds: 0,
  settles_in_seconds: null,
  jumps: 0,
} as const;

export const clockSchema = z
  .object({
    state: z
      .enum(['settled', 'new', 'jumped'])
      .describe(
        "`settled`: the machine's clock is believed. `new`: the machine has just started; its clock is followed. " +
          '`jumped`: it jumped by more than an hour, and is not followed. Nothing is deleted for its age unless it is ' +
          '`settled`.',
      ),
    time: time.describe('Of the service.'),
    ahead_seconds: z.number().describe("By how much the machine's clock is ahead of the service; negative if behind."),
    settles_in_seconds: z
      .number()
      .min(0)
      .nullable()
      .describe("When the machine's clock will be believed unless it jumps again; null where it is."),
    jumps: count.describe('Jumps by more than an hour since the start.'),
  })
  .meta({ id: 'Clock', examples: [CLOCK_EXAMPLE] });

export function presentClock(now: number, status: ClockStatus): z.output<typeof clockSchema> {
  const { state, aheadMs, settlesInMs, jumps } = status;
  return {
    state,
    time: presentTime(now),
    ahead_seconds: aheadMs / 1000,
    settles_in_seconds: settlesInMs === null ? null : settlesInMs / 1000,
    jumps,
  };
}
