/** The routes that accept feedback on a campaign's audience (what users did) and conversions, as JSON or NDJSON. */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { ConversionReport } from '../../domain/conversions.ts';
import { FEEDBACK_EVENTS } from '../../domain/feedback.ts';
import { identifiersQuery } from '../audiences/queries.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { component } from '../openapi/component.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { listOf } from '../plugins/json/bounded-fields.ts';
import { count, userId } from '../plugins/json/fields.ts';
import { parseJsonLines } from '../plugins/json/json-body.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { identifyStored, userIdOf } from '../user-sets/identifiers.ts';

/** Schema of an event's time, which must not be in the future. `now` returns ms since 1970. */
function eventTime({ maximumFeedbackAheadMs }: ServerConfig, now: () => number) {
  return z.iso
    .datetime({ offset: true })
    .refine((time) => !(Date.parse(time) > now() + maximumFeedbackAheadMs), 'an event must not be in the future');
}

/** `now` returns ms since 1970. */
function feedbackBody(config: ServerConfig, now: () => number) {
  const { maximumUserIdBytes, maximumFeedbackEvents, maximumErrorDetails } = config;
  const event = z.strictObject({
    user_id: userId(maximumUserIdBytes),
    event: z
      .enum(FEEDBACK_EVENTS)
      .describe(
        'What the user did. A conversion or click makes the user a seed of the next expansion; a dismissal makes ' +
          'the user a negative.',
      ),
    time: eventTime(config, now)
      .optional()
      .describe(
        'Time of the event (RFC 3339), not in the future; by default the current time. Only the latest event of ' +
          'a user counts.',
      ),
  });
  return z
    .strictObject({
      events: listOf('events', event, maximumFeedbackEvents, maximumErrorDetails).describe('Events in any order.'),
    })
    .meta({
      ...component('FeedbackEvents'),
      description: 'Feedback events as NDJSON, one event per line.',
      examples: [{ events: [{ user_id: 'u4711', event: 'conversion', time: '2026-11-25T12:00:00Z' }] }],
    });
}

export const usersByEvent = z
  .object({
    conversion: count.describe('Number of users who converted.'),
    click: count.describe('Number of users who clicked.'),
    dismissal: count.describe('Number of users who dismissed the campaign.'),
  })
  .describe('Numbers of users by their latest event.');

const feedbackReport = z
  .object({
    received: count.describe('Number of events in the request.'),
    taken: count.describe(
      "Number of accepted events. An event is accepted if it is newer than the user's latest event.",
    ),
    outdated: count.describe(
      "Number of events that changed nothing, because they are older than their user's latest event.",
    ),
    users: usersByEvent,
  })
  .meta({
    id: 'FeedbackReport',
    examples: [{ received: 3, taken: 2, outdated: 1, users: { conversion: 1, click: 0, dismissal: 1 } }],
  });

export async function addFeedbackRoutes(
  app: ServerApp,
  { config, store, clock, population }: ServerDependencies,
): Promise<void> {
  await app.register(async (scope: ServerApp) => {
    parseJsonLines(scope, (events) => ({ events }));
    scope.post(
      '/v1/campaigns/:id/feedback',
      describeRoute({
        operationId: 'recordFeedback',
        scope: 'write',
        tags: ['campaigns'],
        summary: 'Report what users did',
        description:
          'Users who convert or click become seeds of the next expansion, and users who dismiss the campaign ' +
          'become negatives. Only the latest event of a user counts. A seed who dismisses the campaign is no ' +
          'longer a seed. Feedback does not start an expansion, and sending the same events again changes ' +
          'nothing. With `identifier` and `rule`, `user_id` is a plain or hashed identifier.',
        consumes: ['application/json', 'application/x-ndjson'],
        params: campaignParams,
        querystring: identifiersQuery,
        body: feedbackBody(config, () => Math.max(clock.now(), clock.wall())),
        response: { 200: json('Numbers of received, accepted and outdated events.', feedbackReport) },
        errors: ['campaign_not_found'],
      }),
      async (request) => {
        const { id } = request.params;
        const identify = identifyStored(request.query, population);
        const now = clock.now();
        // the body was parsed and checked in this iteration of the event loop, so other requests are handled before the
        // events are written
        await setImmediate();
        return store.addFeedback(
          id,
          request.body.events.map(({ user_id, event, time }, i) => ({
            userId: userIdOf(user_id, identify, `/events/${i}/user_id`),
            event,
            happenedAt: time === undefined ? now : Date.parse(time),
            isNow: time === undefined,
          })),
          request.pendingAction,
        );
      },
    );
  });
}

/** `now` returns ms since 1970. */
function conversionsBody(config: ServerConfig, now: () => number) {
  const { maximumUserIdBytes, maximumFeedbackEvents, maximumConversionValue: most, maximumErrorDetails } = config;
  const conversion = z.strictObject({
    user_id: userId(maximumUserIdBytes),
    time: eventTime(config, now).describe(
      'Time of the conversion (RFC 3339), not in the future. A user has one conversion per time, so sending it again ' +
        'changes nothing.',
    ),
    value: z
      .number()
      .min(-most)
      .max(most)
      .optional()
      .describe('What the conversion is worth, in your own unit; 0 by default.'),
  });
  return z
    .strictObject({
      conversions: listOf('conversions', conversion, maximumFeedbackEvents, maximumErrorDetails).describe(
        'Conversions in any order.',
      ),
    })
    .meta({
      ...component('ConversionsCreate'),
      description: 'Conversions as NDJSON, one conversion per line.',
      examples: [{ conversions: [{ user_id: 'u4711', time: '2026-11-25T12:00:00Z', value: 49.9 }] }],
    });
}

const conversionReport = answerOf<ConversionReport>()(
  { id: 'ConversionReport', examples: [{ received: 3, recorded: 2 }] },
  {
    received: count.describe('Number of conversions in the request.'),
    recorded: count.describe('Number of conversions that are new or have a different value than before.'),
  },
);

/** The route that accepts conversions of treated and held-out users, as JSON or NDJSON. */
export async function addConversionRoutes(
  app: ServerApp,
  { config, store, clock, population }: ServerDependencies,
): Promise<void> {
  await app.register(async (scope: ServerApp) => {
    parseJsonLines(scope, (conversions) => ({ conversions }));
    scope.post(
      '/v1/campaigns/:id/conversions',
      describeRoute({
        operationId: 'recordConversions',
        scope: 'write',
        tags: ['campaigns'],
        summary: 'Report conversions, which the lift is computed from',
        description:
          'Send the conversions of all users, whether or not they are in the audience; `GET …/lift` determines who ' +
          'was treated and who was held out. Unlike feedback, conversions do not train the model. They are kept for ' +
          `${config.conversionRetainedDays} days. ` +
          'With `identifier` and `rule`, `user_id` is a plain or hashed identifier.',
        consumes: ['application/json', 'application/x-ndjson'],
        params: campaignParams,
        querystring: identifiersQuery,
        body: conversionsBody(config, () => Math.max(clock.now(), clock.wall())),
        response: { 200: json('Numbers of received and recorded conversions.', conversionReport) },
        errors: ['campaign_not_found'],
      }),
      async (request) => {
        const identify = identifyStored(request.query, population);
        const conversions = request.body.conversions.map(({ user_id, time, value = 0 }, i) => ({
          userId: userIdOf(user_id, identify, `/conversions/${i}/user_id`),
          happenedAt: Date.parse(time),
          value,
        }));
        // the body was parsed and checked in this iteration of the event loop, so other requests get a turn first
        await setImmediate();
        return store.addConversions(request.params.id, conversions, request.pendingAction);
      },
    );
  });
}
