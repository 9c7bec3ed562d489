/** Route of feedback: what users did, as JSON or as NDJSON. */
import { setImmediate } from 'node:timers/promises';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { parseJsonLines } from '../http/json-body.ts';
import { describeRoute, json } from '../http/route.ts';
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
          tags: ['campaigns'],
          summary: 'Tell what users did',
          description:
            'Conversions and clicks become seeds of the next expansion, dismissals negatives; of a user the ' +
            'latest event counts. Nothing runs by itself. ' +
            'The same events sent again change nothing. A user who was a seed and dismisses is a seed no longer.',
          consumes: ['application/json', 'application/x-ndjson'],
          params: campaignParams,
          body: feedbackBody(config, () => clock.now()),
          response: {
            200: json('What became of them.', feedbackSchema),
          },
          errors: ['campaign_not_found'],
        }),
      },
      async (request) => {
        const { id } = request.params;
        const now = clock.now();
        // the body was parsed and checked in this turn: others have theirs before it is written
        await setImmediate();
        return store.addFeedback(
          id,
          request.body.events.map(({ user_id: userId, event, time }) => ({
            userId,
            event,
            happenedAt: time === undefined ? now : Date.parse(time),
          })),
        );
      },
    );
  });
}
