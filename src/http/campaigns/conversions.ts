/** The route that accepts conversions of treated and held-out users, as JSON or NDJSON. */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { ConversionReport } from '../../domain/conversions.ts';
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
import { eventTime } from './feedback.ts';

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
