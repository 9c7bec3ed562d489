/** Routes of an audience's members: pages and exports, of the active version and of fixed ones. */
import { constants, gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { blocksOf, pageOf } from '../../audience/page.ts';
import type { ReadRanking } from '../../audience/ranking.ts';
import type { Audience } from '../../campaigns/types.ts';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { acceptsGzip, negotiate } from '../http/accept.ts';
import { IMMUTABLE, isMatch, REVALIDATE, sendNotModified } from '../http/conditional.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { textSchema } from '../http/fields.ts';
import { CSV_TYPE, JSON_TYPE, NDJSON_TYPE } from '../http/media-types.ts';
import { CACHED } from '../http/response-headers.ts';
import { describeRoute, notModified } from '../http/route.ts';
import type { createSlots } from '../http/slots.ts';
import { encodeCursor } from './cursor.ts';
import { audiencePageSchema, audienceQuery, type CutQuery, versionParams } from './schemas.ts';
import { MEMBER_ROWS, PARQUET_TYPE, parquetChunks, streamChunks, textChunks, textOf } from './stream.ts';
import { checkPopulation, type Located, locate, openFound, type View, viewOf } from './view.ts';

/** What is said of both routes. */
const READING =
  'JSON comes in pages; a cursor stays on the audience version and the size that it began with. NDJSON, CSV and Parquet stream everything (from the cursor on, if there ' +
  'is one) unless `limit` is given; then `X-Next-Cursor` names the next page. NDJSON and CSV come with gzip where `Accept-Encoding` takes it. ' +
  '`size`, `percent` or `min_score` cut the ranking elsewhere than the audience does: nothing is run for it. `X-Audience-Version`, `X-Audience-Size` and ' +
  '`X-Audience-Candidates` say what was read. Scores are comparable within one expansion only.';

export function addAudienceRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  takeStream: ReturnType<typeof createSlots>,
): void {
  const { config } = dependencies;
  const read = createReader(dependencies, takeStream);
  const response = {
    200: {
      description: 'A page, or a stream of the whole.',
      headers: [
        ...CACHED,
        'X-Audience-Version',
        'X-Audience-Size',
        'X-Audience-Candidates',
        'X-Next-Cursor',
        'Content-Encoding',
      ] as const,
      content: {
        [JSON_TYPE]: { schema: audiencePageSchema },
        [NDJSON_TYPE]: {
          schema: textSchema.meta({
            description: 'One `{"rank","user_id","score","percentile"}` a line.',
            examples: ['{"rank":1,"user_id":"u4711","score":0.93,"percentile":100}\n'],
          }),
        },
        [CSV_TYPE]: {
          schema: textSchema.meta({
            description: 'Header `rank,user_id,score,percentile`; quoted as in RFC 4180.',
            examples: ['rank,user_id,score,percentile\r\n1,u4711,0.93,100\r\n'],
          }),
        },
        [PARQUET_TYPE]: {
          schema: textSchema
            .meta({ contentMediaType: PARQUET_TYPE })
            .describe('Columns rank INT32, user_id STRING, score FLOAT, percentile DOUBLE.'),
        },
      },
    },
    304: notModified([...CACHED, 'X-Audience-Version']),
  };
  const errors = [
    'invalid_cursor',
    'campaign_not_found',
    'audience_not_found',
    'not_acceptable',
    'audience_not_ready',
  ] as const;

  app.get(
    '/v1/campaigns/:id/audience',
    {
      exposeHeadRoute: false,
      schema: describeRoute({
        operationId: 'getAudience',
        tags: ['audience'],
        summary: 'Read the audience, best first',
        description: `${READING} The \`ETag\` names the active version; \`If-None-Match\` is heeded.`,
        params: campaignParams,
        querystring: audienceQuery(config),
        response,
        errors,
      }),
    },
    async (request, reply) => read({ id: request.params.id, version: null }, request, request.query, reply),
  );

  app.get(
    '/v1/campaigns/:id/audiences/:version',
    {
      exposeHeadRoute: false,
      schema: describeRoute({
        operationId: 'getAudienceVersion',
        tags: ['audience'],
        summary: 'Read one version of the audience, best first',
        description: `${READING} A version never changes: the answer may be kept for as long as one likes, and \`If-None-Match\` is heeded.`,
        params: versionParams,
        querystring: audienceQuery(config),
        response,
        errors,
      }),
    },
    async (request, reply) => read(request.params, request, request.query, reply),
  );
}

type Query = CutQuery & { readonly limit?: number | undefined; readonly cursor?: string | undefined };

/** What was opened for one answer. */
interface Opened<R> {
  readonly audience: Audience;
  readonly ranking: R;
  readonly view: View;
}

/** Answers a read of the active version (null) or a fixed one. */
function createReader(dependencies: ServerDependencies, takeStream: ReturnType<typeof createSlots>) {
  const { config, store, rankings, population } = dependencies;

  return (
    { id, version }: { readonly id: string; readonly version: number | null },
    { headers }: FastifyRequest,
    query: Query,
    reply: FastifyReply,
  ): FastifyReply => {
    const type = negotiate(headers.accept, [JSON_TYPE, NDJSON_TYPE, CSV_TYPE, PARQUET_TYPE]);
    const gzip = (type === NDJSON_TYPE || type === CSV_TYPE) && acceptsGzip(headers['accept-encoding']);
    const find = () => locate(store, id, version, query.cursor);
    const found = find();
    const validators = (audience: Audience) => ({
      vary: 'accept, accept-encoding',
      etag: `"${audience.version}-${NAMES[type]}${gzip ? '-gzip' : ''}"`,
      'cache-control': version === null ? REVALIDATE : IMMUTABLE,
      'x-audience-version': audience.version,
    });
    const known = validators(found.audience);
    if (isMatch(headers['if-none-match'], known.etag)) return sendNotModified(reply.headers(known));
    const say = ({ audience, view }: Opened<unknown>, next: string | null) => {
      reply.headers({
        ...validators(audience),
        'x-audience-size': view.size,
        'x-audience-candidates': audience.candidates,
        ...(next === null ? {} : { 'x-next-cursor': next }),
        ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      });
      return reply.type(CONTENT_TYPES[type]);
    };

    if (type === PARQUET_TYPE || (type !== JSON_TYPE && query.limit === undefined)) {
      const { opened, close } = hold(found, find);
      const { audience, ranking, view } = opened;
      const end = Math.min(view.size, view.from + (query.limit ?? view.size));
      const pages = blocksOf(ranking, population.directory, {
        size: end,
        fromRank: view.from,
        blockSize: config.streamChunkRows,
      });
      const chunks =
        type === PARQUET_TYPE ? parquetChunks(pages, config.parquetRowGroupRows) : textChunks(type, MEMBER_ROWS, pages);
      return say(opened, nextCursor(audience, view, end)).send(streamChunks(chunks, { gzip, limits: config }, close));
    }

    const opened = openFound(found, find, (at) => open(at, rankings.get(at.audience.folder)));
    const { audience, ranking, view } = opened;
    const limit = query.limit ?? config.defaultPageSize;
    const items = pageOf(ranking, population.directory, { size: view.size, fromRank: view.from, limit });
    const next = nextCursor(audience, view, view.from + items.length);
    if (type !== JSON_TYPE) {
      const text = textOf(type, MEMBER_ROWS, items);
      return say(opened, next).send(gzip ? gzipSync(text, { level: constants.Z_BEST_SPEED }) : text);
    }
    const { candidates } = audience;
    return say(opened, null).send({ items, next_cursor: next, size: view.size, candidates, version: audience.version });

    function open<R extends ReadRanking>(at: Located, ranking: R): Opened<R> {
      checkPopulation(dependencies, at.audience, ranking);
      return { audience: at.audience, ranking, view: viewOf(at, ranking, query) };
    }

    /** For a stream: a place among the streams, and the ranking's own descriptors, both until `close`. */
    function hold(first: Located, again: () => Located): { opened: Opened<ReadRanking>; close: () => void } {
      const release = takeStream();
      try {
        return openFound(first, again, (at) => {
          const held = rankings.hold(at.audience.folder);
          const close = () => {
            held.close();
            release();
          };
          try {
            return { opened: open(at, held.ranking), close };
          } catch (error) {
            held.close();
            throw error;
          }
        });
      } catch (error) {
        release();
        throw error;
      }
    }
  };
}

/** Of the page after the one that ends before the 0-based rank `end`; null behind the last one. */
function nextCursor({ campaignId, version }: Audience, { size }: View, end: number): string | null {
  return end < size ? encodeCursor(campaignId, { audienceVersion: version, size, afterRank: end }) : null;
}

/** Of the representation, for its ETag. */
const NAMES = { [JSON_TYPE]: 'json', [NDJSON_TYPE]: 'ndjson', [CSV_TYPE]: 'csv', [PARQUET_TYPE]: 'parquet' } as const;

const CONTENT_TYPES = {
  [JSON_TYPE]: JSON_TYPE,
  [NDJSON_TYPE]: `${NDJSON_TYPE}; charset=utf-8`,
  [CSV_TYPE]: `${CSV_TYPE}; charset=utf-8`,
  [PARQUET_TYPE]: PARQUET_TYPE,
} as const;
