/** Routes that list audience versions, and that compare two versions. */

import { usersOf } from '../../domain/audiences.ts';
import type { Audience } from '../../domain/types.ts';
import { CSV_TYPE, JSON_TYPE, NDJSON_TYPE } from '../../lib/media-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { acceptsGzip, negotiate } from '../plugins/accept.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { textSchema } from '../plugins/json/fields.ts';
import { campaignParams } from '../plugins/params.ts';
import { erasureTag, isMatch, REVALIDATE, sendNotModified } from '../plugins/preconditions.ts';
import { CACHED } from '../plugins/response-headers.ts';
import { describeRoute, json, notModified } from '../plugins/route.ts';
import { audienceDiff, audienceVersionPage } from './audience.ts';
import { diffParams, diffQuery, versionsQuery } from './queries.ts';
import { countSides, openBoth } from './sides.ts';
import { streamChunks } from './stream/stream.ts';
import type { StreamSlots } from './stream/stream-slots.ts';

export function addAudienceVersionRoutes(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots): void {
  listAudienceVersions(app, dependencies);
  getAudienceDiff(app, dependencies, streams);
}

function listAudienceVersions(app: ServerApp, { config, store }: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id/audiences',
    describeRoute({
      operationId: 'listAudienceVersions',
      scope: 'read',
      tags: ['audience'],
      summary: 'List the versions of the audience, newest first',
      params: campaignParams,
      querystring: versionsQuery(config),
      response: { 200: json('A page of the list, which is empty before the first version.', audienceVersionPage) },
      errors: ['invalid_cursor', 'campaign_not_found'],
    }),
    async (request) => store.audienceVersions(request.params.id, request.query),
  );
}

const DIFF_CONTENT = {
  [JSON_TYPE]: { schema: audienceDiff },
  [NDJSON_TYPE]: {
    schema: textSchema.meta({
      description: 'One JSON object per line, with the fields `change` (`removed` or `added`) and `user_id`.',
      examples: ['{"change":"removed","user_id":"u4711"}\n{"change":"added","user_id":"u4712"}\n'],
    }),
  },
  [CSV_TYPE]: {
    schema: textSchema.meta({
      description: 'CSV as in RFC 4180, with the header row `change,user_id`.',
      examples: ['change,user_id\r\nremoved,u4711\r\nadded,u4712\r\n'],
    }),
  },
};

const DIFF_ANSWER = {
  description: 'The counts as JSON, or the users as NDJSON or CSV.',
  headers: [...CACHED, 'Content-Encoding'],
  content: DIFF_CONTENT,
} as const;

function getAudienceDiff(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots): void {
  const { config, store, population, reads, encoder } = dependencies;
  app.get(
    '/v1/campaigns/:id/audiences/:from/diff/:to',
    describeRoute({
      config: { class: 'audience' },
      exposeHeadRoute: false,
      operationId: 'getAudienceDiff',
      scope: 'read',
      tags: ['audience'],
      summary: 'Compare two versions of the audience',
      description:
        'Shows which users were added and removed between version `from` and version `to`. JSON returns the counts. ' +
        'NDJSON and CSV stream the users: first the removed users by their rank in `from`, then the added users by ' +
        'their rank in `to`, with gzip if `Accept-Encoding` allows it. The versions may come from different ' +
        'expansions and populations. With `cut`, both sides are the cut of that name. Erased users are counted but ' +
        'not listed. Held-out users are neither counted nor listed. `If-None-Match` is supported.',
      params: diffParams,
      querystring: diffQuery(config),
      response: {
        200: DIFF_ANSWER,
        304: notModified(CACHED),
      },
      errors: ['campaign_not_found', 'audience_not_found', 'cut_not_found', 'not_acceptable'],
    }),
    async (request, reply) => {
      const { params, query, headers } = request;
      const { id, from: first, to: second } = params;
      const type = negotiate(request, [JSON_TYPE, NDJSON_TYPE, CSV_TYPE]);
      const isSafe = type === CSV_TYPE && query.csv_safe;
      const gzip = type !== JSON_TYPE && acceptsGzip(request);
      await store.audienceVersion(id, first);
      await store.audienceVersion(id, second);
      const representation = `${type.replace(/.*\W/, '')}${isSafe ? '-safe' : ''}${gzip ? '-gzip' : ''}`;
      const etag = `"${first}-${second}-${representation}${erasureTag(population)}"`;
      const known = { vary: 'accept, accept-encoding', etag, 'cache-control': REVALIDATE };
      if (isMatch(headers['if-none-match'], known.etag)) return sendNotModified(reply.headers(known));
      const compared = (version: number) => ({
        find: () => store.audienceVersion(id, version),
        usersOf: (audience: Audience) => usersOf(audience, query.cut),
      });
      const both = await openBoth(dependencies, [compared(first), compared(second)], streams.take(request));
      if (type === JSON_TYPE) {
        const counts = await countSides(reply, both, (signal) => reads.countDiff(both.from, both.to, signal));
        return reply
          .headers(known)
          .type(JSON_TYPE)
          .send({ from: first, to: second, ...counts });
      }
      const encoding = { rows: 'changes', type, isSafe } as const;
      const { streamChunkRows } = dependencies.config;
      const blocks = reads.changeBlocks(both.from, both.to, population.directory, streamChunkRows);
      const chunks = encoder.encode(encoding, blocks, streams.turn);
      return reply
        .headers({ ...known, ...(gzip ? { 'content-encoding': 'gzip' } : {}) })
        .type(`${type}; charset=utf-8`)
        .send(streamChunks(chunks, { gzip, limits: dependencies.config, slot: both.slot }, both.close) as never);
    },
  );
}
