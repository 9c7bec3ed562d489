/** Routes that return the members of the active or a given audience version, as pages or as exports. */

import type { ErrorCode } from '../../lib/errors.ts';
import { CSV_TYPE, JSON_TYPE, NDJSON_TYPE, PARQUET_TYPE } from '../../lib/media-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { textSchema } from '../plugins/json/fields.ts';
import { plainJson } from '../plugins/json/json-writing.ts';
import { campaignParams } from '../plugins/params.ts';
import { CACHED } from '../plugins/response-headers.ts';
import { describeRoute, notModified } from '../plugins/route.ts';
import { audiencePage } from './audience.ts';
import { audienceQuery, versionParams } from './queries.ts';
import { createReader } from './reader.ts';
import type { StreamSlots } from './stream/stream-slots.ts';

/** Text that both routes have in their descriptions. */
const READING =
  'JSON is paged, and later pages keep the audience version and the audience size (not the page length) of the ' +
  'first page. NDJSON, CSV and Parquet stream all users, starting at the cursor if one is given. With `limit`, ' +
  'these formats are paged too, and `X-Next-Cursor` contains the cursor of the next page. All formats except ' +
  'Parquet are compressed with gzip if `Accept-Encoding` allows it. `size`, `percent` or `min_score` select a ' +
  'different cut of the ranking, without a new expansion; `cut` selects a named one, whose users keep their ranks. ' +
  '`X-Audience-Version`, `X-Audience-Size` and `X-Audience-Candidates` describe the audience that was read. ' +
  'Scores are comparable only within one expansion. ' +
  'Users who are held out or erased are omitted and the other users keep their ranks, so a page may have fewer items ' +
  'than `limit`. With `identifier` and `rule`, `user_id` is the bare hash of an identifier of the user.';

const RESPONSE = {
  200: {
    description: 'A page, or a stream of all users.',
    headers: [
      ...CACHED,
      'X-Stale-Seconds',
      'X-Audience-Version',
      'X-Audience-Size',
      'X-Audience-Candidates',
      'X-Next-Cursor',
      'X-Without-Identifier',
      'Content-Encoding',
    ] as const,
    content: {
      [JSON_TYPE]: { schema: audiencePage },
      [NDJSON_TYPE]: {
        schema: textSchema.meta({
          description: 'One JSON object per line, with the fields `rank`, `user_id`, `score` and `percentile`.',
          examples: ['{"rank":1,"user_id":"u4711","score":0.93,"percentile":100}\n'],
        }),
      },
      [CSV_TYPE]: {
        schema: textSchema.meta({
          description: 'CSV as in RFC 4180, with the header row `rank,user_id,score,percentile`.',
          examples: ['rank,user_id,score,percentile\r\n1,u4711,0.93,100\r\n'],
        }),
      },
      [PARQUET_TYPE]: {
        schema: textSchema
          .meta({ contentMediaType: PARQUET_TYPE })
          .describe('Parquet with the columns rank INT32, user_id STRING, score FLOAT and percentile DOUBLE.'),
      },
    },
  },
  304: notModified([...CACHED, 'X-Audience-Version']),
};

const ERRORS: readonly ErrorCode[] = [
  'invalid_cursor',
  'campaign_not_found',
  'audience_not_found',
  'cut_not_found',
  'not_acceptable',
  'audience_not_ready',
];

export function addAudienceRoutes(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots): void {
  const { config } = dependencies;
  const read = createReader(dependencies, streams);

  app.get(
    '/v1/campaigns/:id/audience',
    {
      serializerCompiler: plainJson,
      ...describeRoute({
        config: { class: 'audience' },
        exposeHeadRoute: false,
        operationId: 'getAudience',
        scope: 'read',
        tags: ['audience'],
        summary: 'Read the audience, best first',
        description: `${READING} The \`ETag\` identifies the active version; \`If-None-Match\` is supported.`,
        params: campaignParams,
        querystring: audienceQuery(config),
        response: RESPONSE,
        errors: ERRORS,
      }),
    },
    async (request, reply) => read({ id: request.params.id, version: null }, request, request.query, reply),
  );

  app.get(
    '/v1/campaigns/:id/audiences/:version',
    {
      serializerCompiler: plainJson,
      ...describeRoute({
        config: { class: 'audience' },
        exposeHeadRoute: false,
        operationId: 'getAudienceVersion',
        scope: 'read',
        tags: ['audience'],
        summary: 'Read one version of the audience, best first',
        description: `${READING} Apart from erased users, a version never changes. \`If-None-Match\` is supported.`,
        params: versionParams,
        querystring: audienceQuery(config),
        response: RESPONSE,
        errors: ERRORS,
      }),
    },
    async (request, reply) => read(request.params, request, request.query, reply),
  );
}
