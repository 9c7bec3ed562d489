/** The OpenAPI document, generated from the routes. */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { completeDocument } from './complete-document.ts';
import type { ServerApp } from './fastify-types.ts';

const DESCRIPTION = `Look-alike audience expansion: give a campaign's seeds, read back the users of the population who are most like them.

Errors are RFC 9457 problems (\`application/problem+json\`) with a stable \`code\`. Times are RFC 3339, durations seconds.
Every answer has \`X-Request-Id\`; one that is sent (up to 64 letters, digits, \`.\`, \`_\` and \`-\`) is kept.`;

/** Collects the routes that are registered after it. */
export async function describeRoutes(app: ServerApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'metaheac',
        version: API_VERSION,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'campaigns', description: 'Campaigns and their inputs.' },
        { name: 'expansions', description: 'Runs of the online stage.' },
        { name: 'seeds', description: 'Sets of users by file: seeds, and who must not be reached.' },
        { name: 'audience', description: 'The ranked users of a campaign.' },
        { name: 'information', description: 'Limits, the served model and the served population.' },
        { name: 'documents', description: 'What the error codes mean. Never needs a key.' },
        {
          name: 'webhooks',
          description: 'Signed calls that tell how expansions end, and what callers do to audiences.',
        },
        { name: 'health', description: 'For those who run the service. Never needs a key.' },
      ],
      // a service that was started without a key asks for none
      security: [{ key: [] }, {}],
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'Needed where the service was started with a key.' },
        },
      },
    },
    transform: transformRoute,
    transformObject: (document) => withoutNoise(completeDocument(jsonSchemaTransformObject(document))),
  });
}

const API_VERSION = '1.0.0';

/** The provider's transform, which knows bodies of one content type only. */
function transformRoute(route: Parameters<typeof jsonSchemaTransform>[0]): ReturnType<typeof jsonSchemaTransform> {
  const { body, ...rest } = (route.schema ?? {}) as { body?: { content?: Record<string, { schema: unknown }> } };
  if (body?.content === undefined) return jsonSchemaTransform(route);
  const describe = (schema: object) => jsonSchemaTransform({ ...route, schema } as typeof route);
  const content = Object.entries(body.content).map(([type, { schema }]) => {
    const described = describe({ body: schema }).schema as { body: object };
    return [type, { schema: described.body }];
  });
  const { schema, url } = describe(rest);
  return { schema: { ...schema, body: { content: Object.fromEntries(content) } }, url };
}

/** The same without what zod says of every number and list, and with no object twice: YAML would give it a name. */
function withoutNoise<T extends object>(document: T): T {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    const isNoise = key === 'readOnly' || (/^(min|max)imum$/.test(key) && Math.abs(value) === Number.MAX_SAFE_INTEGER);
    return isNoise ? undefined : value;
  });
}
