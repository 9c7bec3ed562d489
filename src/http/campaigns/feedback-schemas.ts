/** The shapes of feedback: what users did. */
import { z } from 'zod';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { listOf } from '../plugins/json/bounded-fields.ts';
import { count, userId } from '../plugins/json/fields.ts';

/** `now` returns ms since 1970. */
export function feedbackBody(config: ServerConfig, now: () => number) {
  const { maximumUserIdBytes, maximumFeedbackEvents, maximumFeedbackAheadMs, maximumErrorDetails } = config;
  const event = z.strictObject({
    user_id: userId(maximumUserIdBytes),
    event: z
      .enum(['conversion', 'click', 'dismissal'])
      .describe('Conversions and clicks are seeds of the next expansion, dismissals negatives.'),
    time: z.iso
      .datetime({ offset: true })
      .refine((time) => !(Date.parse(time) > now() + maximumFeedbackAheadMs), 'an event must not be in the future')
      .optional()
      .describe("RFC 3339; now if not given, and not in the future. A user's latest event counts."),
  });
  return z.strictObject({ events: listOf('events', event, maximumFeedbackEvents, maximumErrorDetails) }).meta({
    ...component('FeedbackEvents'),
    description: 'As NDJSON, one event per line.',
    examples: [{ events: [{ user_id: 'u4711', event: 'conversion', time: '2026-11-25T12:00:00Z' }] }],
  });
}

export const feedbackSchema = z
  .object({
    received: count,
    taken: count.describe('Events that were newer than what was known about their user.'),
    outdated: count,
    users: z.object({ conversion: count, click: count, dismissal: count }).describe('By their last event.'),
  })
  .meta({
    id: 'FeedbackReport',
    examples: [{ received: 3, taken: 2, outdated: 1, users: { conversion: 1, click: 0, dismissal: 1 } }],
  });
