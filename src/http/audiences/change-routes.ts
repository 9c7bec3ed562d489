/** Routes of active versions: activate a version, and list all changes. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { campaignParams } from '../plugins/params.ts';
import { ifMatchHeaders, requireMatch } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { audienceVersion, changes } from './audience.ts';
import { activateBody, changesQuery } from './queries.ts';

export function addVersionRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  activateAudienceVersion(app, dependencies);
  listChanges(app, dependencies);
}

function activateAudienceVersion(app: ServerApp, { store }: ServerDependencies): void {
  app.put(
    '/v1/campaigns/:id/audience',
    describeRoute({
      operationId: 'activateAudienceVersion',
      scope: 'write',
      tags: ['audience'],
      summary: 'Activate another version of the audience',
      description:
        'Rolls the audience back or forward to another version, which is served immediately. `…/audiences` ' +
        'lists the versions; old versions are removed after a while. `If-Match` accepts any `ETag` of the ' +
        'active version.',
      params: campaignParams,
      headers: ifMatchHeaders,
      body: activateBody,
      response: { 200: json('The audience version that is active after the event.', audienceVersion) },
      errors: ['campaign_not_found', 'audience_not_found', 'precondition_failed'],
    }),
    async (request) => {
      const { id } = request.params;
      const ifMatch = request.headers['if-match'];
      // the ETags of an audience version differ only in media type, content coding and number of erasures
      return store.activate(id, request.body.version, (active) =>
        requireMatch(ifMatch, (etag) => etag.startsWith(`"${active}-`)),
      );
    },
  );
}

function listChanges(app: ServerApp, { config, store }: ServerDependencies): void {
  app.get(
    '/v1/changes',
    describeRoute({
      operationId: 'listChanges',
      scope: 'read',
      tags: ['audience'],
      summary: 'List the changes to all active audiences, oldest first',
      description:
        'Lists every change, in order, of which audience version is active. An ad server can poll this list to ' +
        'stay in sync. Each change contains the URL of the difference from the previous version. If retention has ' +
        'removed one of the two versions, the URL returns 404 `audience_not_found`. In that case, read the whole ' +
        'active audience (`GET /v1/campaigns/{id}/audience`) and continue from `next_cursor`.',
      querystring: changesQuery(config),
      response: { 200: json('A page of changes.', changes) },
      errors: ['invalid_cursor'],
    }),
    async ({ query }) => store.changes(query.since, query.limit),
  );
}
