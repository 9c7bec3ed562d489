/** The route that counts the users who responded to a campaign, and how many of these users its audience contains. */
import { z } from 'zod';
import { grouped } from '../../lib/text/counted.ts';
import { gatherTexts } from '../../lib/text/text-table.ts';
import { usersByEvent } from '../campaigns/feedback.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { count } from '../plugins/json/fields.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findUsers } from '../user-sets/find-user.ts';
import { withActive } from './membership-routes.ts';

const feedbackOutcomeSchema = z
  .object({
    users: usersByEvent,
    responders: z
      .object({
        compared: count.describe(
          'Number of responders who were compared with the audience. If there are too many responders, only ' +
            'the first ones by id are compared.',
        ),
        ranked: count.describe(
          'Number of compared responders who are ranked in the active audience version. Seeds and users unknown to ' +
            'that version are not ranked. Held-out users are not counted.',
        ),
        members: count.describe('Number of ranked responders who are in the audience.'),
      })
      .describe('Users who converted or clicked.'),
  })
  .meta({
    id: 'FeedbackOutcome',
    examples: [
      { users: { conversion: 12, click: 40, dismissal: 3 }, responders: { compared: 52, ranked: 49, members: 31 } },
    ],
  });

export function addFeedbackOutcome(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, store } = dependencies;
  app.get(
    '/v1/campaigns/:id/feedback',
    describeRoute({
      operationId: 'getFeedback',
      scope: 'read',
      tags: ['campaigns'],
      summary: 'Get a summary of the feedback so far',
      description:
        'Counts users by their latest event, and shows how many of the users who converted or clicked are in the ' +
        'active audience. Compare their share with the predicted `recall` for the size of the audience (`GET ' +
        `…/quality\`). At most ${grouped(config.maximumBatchMembers)} of these users are compared with the ` +
        'audience (`compared`).',
      params: campaignParams,
      response: { 200: json('The summary of the feedback.', feedbackOutcomeSchema) },
      errors: ['campaign_not_found'],
    }),
    async (request) => {
      const { id } = request.params;
      const users = await store.feedbackOf(id);
      const isReady = (await store.get(id)).audienceVersion !== null;
      return { users, responders: isReady ? await countResponders(dependencies, id) : NONE };
    },
  );
}

interface Responders {
  readonly compared: number;
  readonly ranked: number;
  readonly members: number;
}

const NONE: Responders = { compared: 0, ranked: 0, members: 0 };

/** Counts the users who responded, how many of them are ranked, and how many are in the active audience. */
async function countResponders(dependencies: ServerDependencies, id: string): Promise<Responders> {
  const { config, population, reads, store } = dependencies;
  const responders = await store.respondersOf(id, config.maximumBatchMembers);
  return withActive(dependencies, id, Math.max(1, responders.length), (audience, ranking) => {
    const ranked = { size: audience.candidates, holdout: audience.holdout };
    const counts = { compared: responders.length, ranked: 0, members: 0 };
    for (const number of findUsers(population, gatherTexts(responders))) {
      if (number < 0 || reads.membershipOf(ranking, ranked, number) === null) continue;
      counts.ranked += 1;
      if (reads.membershipOf(ranking, audience, number) !== null) counts.members += 1;
    }
    return counts;
  });
}
