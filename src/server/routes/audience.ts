/** Routes of an audience: pages, streams, membership. */
import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { pageOf } from '../../audience/page.ts';
import type { Audience } from '../../campaigns/types.ts';
import { AppError } from '../../lib/errors.ts';
import { negotiate } from '../accept.ts';
import { CSV_TYPE, formatItems, headOf, NDJSON_TYPE, type ReadPage, streamAudience } from '../audience-stream.ts';
import type { ServerDependencies } from '../config.ts';
import { decodeCursor, encodeCursor, invalidCursor } from '../cursor.ts';
import type { ServerApp } from '../fastify-types.ts';
import { findUser } from '../find-user.ts';
import type { ServerMetrics } from '../metrics.ts';
import {
  audiencePageSchema,
  audienceQuery,
  campaignParams,
  memberParams,
  memberSchema,
  problemResponses,
  textSchema,
} from '../schemas.ts';

const JSON_TYPE = 'application/json';

export function addAudienceRoutes(app: ServerApp, dependencies: ServerDependencies, metrics: ServerMetrics): void {
  const { config, store } = dependencies;
  const readerOf = createReader(dependencies);

  app.get(
    '/v1/campaigns/:id/audience',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'getAudience',
        tags: ['audience'],
        summary: 'Read the audience, best first',
        description:
          'JSON comes in pages; a cursor stays on the audience version that it began with. NDJSON and CSV stream ' +
          'everything (from the cursor on, if there is one) unless `limit` is given; then `X-Next-Cursor` names the next page. ' +
          '`X-Audience-Version` names the version. Scores are comparable within one expansion only.',
        params: campaignParams,
        querystring: audienceQuery(config),
        response: {
          200: {
            description: 'A page, or a stream of the whole.',
            content: {
              [JSON_TYPE]: { schema: audiencePageSchema },
              [NDJSON_TYPE]: { schema: textSchema.describe('One `{"rank","user_id","score"}` a line.') },
              [CSV_TYPE]: { schema: textSchema.describe('Header `rank,user_id,score`; quoted as in RFC 4180.') },
            },
          },
          ...problemResponses(
            'invalid_request',
            'invalid_cursor',
            'unauthorized',
            'campaign_not_found',
            'audience_not_found',
            'not_acceptable',
            'audience_not_ready',
            'unavailable',
            'storage_failed',
          ),
        },
      },
    },
    async (request, reply) => {
      const type = negotiate(request.headers.accept, [JSON_TYPE, NDJSON_TYPE, CSV_TYPE]);
      const { limit, cursor } = request.query;
      const { audience, from } = locate(request.params.id, cursor);
      const readPage = readerOf(audience);
      reply.header('vary', 'accept').header('x-audience-version', audience.version);
      if (type !== JSON_TYPE && limit === undefined) {
        const range = { from, to: audience.size, chunkRows: config.streamChunkRows };
        return sendStream(reply, type, openStream(type, readPage, range));
      }
      const items = readPage(from, limit ?? config.defaultPageSize);
      const next = from + items.length;
      const nextCursor =
        next < audience.size && items.length > 0
          ? encodeCursor(audience.campaignId, { audienceVersion: audience.version, afterRank: next })
          : null;
      if (type !== JSON_TYPE) return sendText(reply, type, items, nextCursor);
      return reply
        .type(JSON_TYPE)
        .send({ items, next_cursor: nextCursor, size: audience.size, version: audience.version });
    },
  );

  app.get(
    '/v1/campaigns/:id/audience/members/:user_id',
    {
      config: { quiet: true },
      schema: {
        operationId: 'getMembership',
        tags: ['audience'],
        summary: 'Ask whether a user is in the audience',
        description: 'A seed is never a member. A user that the population does not have is 404.',
        params: memberParams(config),
        response: {
          200: { description: 'Member or not.', content: { [JSON_TYPE]: { schema: memberSchema } } },
          ...problemResponses(
            'invalid_request',
            'unauthorized',
            'campaign_not_found',
            'user_not_found',
            'audience_not_ready',
            'unavailable',
            'storage_failed',
          ),
        },
      },
    },
    async (request) => {
      const audience = store.activeAudience(request.params.id);
      const number = findUser(dependencies.population, request.params.user_id);
      if (number < 0) throw new AppError('user_not_found', 'the user is not in the population');
      const ranking = dependencies.rankings.get(audience.folder);
      const rank = ranking.rankOf(number);
      if (rank < 1 || rank > audience.size) return { member: false as const };
      return { member: true as const, rank, score: ranking.scoreOf(number) };
    },
  );

  function locate(id: string, cursor: string | undefined): { audience: Audience; from: number } {
    if (cursor === undefined) return { audience: store.activeAudience(id), from: 0 };
    store.get(id);
    const { audienceVersion, afterRank } = decodeCursor(id, cursor);
    const audience = store.audienceVersion(id, audienceVersion);
    if (afterRank > audience.size) throw invalidCursor(cursor, 'the cursor points behind the audience');
    return { audience, from: afterRank };
  }

  let open = 0;
  function openStream(type: typeof NDJSON_TYPE | typeof CSV_TYPE, readPage: ReadPage, range: StreamRange) {
    if (open >= config.maximumOpenStreams) {
      throw new AppError('unavailable', `${open} audience streams are open, the most at one time`, {
        facts: { retry_after: STREAM_RETRY_SECONDS },
      });
    }
    metrics.openStreams.set(++open);
    return streamAudience(type, readPage, range, () => metrics.openStreams.set(--open));
  }
}

interface StreamRange {
  readonly from: number;
  readonly to: number;
  readonly chunkRows: number;
}

const STREAM_RETRY_SECONDS = 5;

/** Pages of an audience; one that holds users whom the served population has never seen is `unavailable`. */
function createReader({ rankings, population }: ServerDependencies): (audience: Audience) => ReadPage {
  return ({ folder, size, populationVersion }) => {
    const { directory } = population;
    const ranking = rankings.get(folder);
    if (ranking.userCount > directory.size) {
      throw new AppError('unavailable', `the audience is of population ${populationVersion}, which is not loaded here`);
    }
    return (fromRank, limit) => pageOf(ranking, directory, { size, fromRank, limit });
  };
}

function sendText(
  reply: FastifyReply,
  type: typeof NDJSON_TYPE | typeof CSV_TYPE,
  items: Parameters<typeof formatItems>[1],
  nextCursor: string | null,
): FastifyReply {
  if (nextCursor !== null) reply.header('x-next-cursor', nextCursor);
  return reply.type(withCharset(type)).send(headOf(type) + formatItems(type, items));
}

function sendStream(reply: FastifyReply, type: string, stream: Readable): FastifyReply {
  return reply.type(withCharset(type)).send(stream);
}

function withCharset(type: string): string {
  return `${type}; charset=utf-8`;
}
