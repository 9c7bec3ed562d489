/** Route of feedback: what users did, as JSON or as NDJSON. */
import { setImmediate } from 'node:timers/promises';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { parseJsonLines } from '../plugins/json/json-body.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { feedbackBody, feedbackSchema } from './feedback-schemas.ts';
import { campaignParams } from './params.ts';

/** What these routes call. */
export type FeedbackNeeds = Pick<ServerDependencies, 'clock' | 'config'> & {
  readonly store: Pick<ServerDependencies['store'], 'addFeedback'>;
};

export async function addFeedbackRoutes(app: ServerApp, { config, store, clock }: FeedbackNeeds): Promise<void> {
  await app.register(async (scope: ServerApp) => {
    parseJsonLines(scope, (events) => ({ events }));
    scope.post(
      '/v1/campaigns/:id/feedback',
      {
        schema: describeRoute({
          operationId: 'recordFeedback',
          scope: 'write',
          tags: ['campaigns'],
          summary: 'Report what users did',
          description:
            "Conversions and clicks become seeds of the next expansion, dismissals negatives; a user's " +
            'latest event counts. This does not start an expansion. Sending the same events again changes ' +
            'nothing. A seed who dismisses is no longer a seed.',
          consumes: ['application/json', 'application/x-ndjson'],
          params: campaignParams,
          body: feedbackBody(config, () => Math.max(clock.now(), clock.wall())),
          response: {
            200: json('What was done with them.', feedbackSchema),
          },
          errors: ['campaign_not_found'],
        }),
      },
      async (request) => {
        const { id } = request.params;
        const now = clock.now();
        // the body was parsed and checked in this turn: other requests get one before it is written
        await setImmediate();
        return store.addFeedback(
          id,
          request.body.events.map(({ user_id: userId, event, time }) => ({
            userId,
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
