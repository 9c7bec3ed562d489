/** Generates the OpenAPI document from the routes. */
import swagger from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { errorsOf, type RouteScope } from '../plugins/route.ts';
import { codesByStatus } from '../problems/schema.ts';
import { completeDocument } from './complete-document.ts';
import { ANSWERS, type DeclaredAnswers } from './document-types.ts';

const DESCRIPTION = `Look-alike audience expansion: send the seeds of a campaign, and get back the users of the population
who are most similar to the seeds.

Errors are RFC 9457 problems (\`application/problem+json\`) with a stable \`code\`. Times are in RFC 3339 format, and
durations in seconds. Every response has an \`X-Request-Id\` header. A valid id in the request (at most 64 letters,
digits, \`.\`, \`_\` and \`-\`) is echoed; otherwise the service creates an id.`;

/** Collects the routes that are registered afterwards. */
export async function describeRoutes(app: ServerApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'metaheac',
        version: PACKAGE_VERSION,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'campaigns', description: 'Campaigns and their inputs.' },
        { name: 'expansions', description: 'Runs of the model that rank the population for a campaign.' },
        { name: 'seeds', description: 'Seeds and suppression lists, uploaded as files or lists of user ids.' },
        { name: 'audience', description: 'The ranked users of a campaign.' },
        { name: 'users', description: 'Users of the population.' },
        { name: 'information', description: 'Limits, the served model and the served population.' },
        { name: 'documents', description: 'Documentation of the error codes. No key is required.' },
        {
          name: 'webhooks',
          description:
            'Signed HTTP calls that report the result of each expansion, and each change that a caller makes to an audience.',
        },
        {
          name: 'destinations',
          description: 'Folders and buckets that receive each new audience version.',
        },
        { name: 'keys', description: 'API keys and the audit log.' },
        { name: 'health', description: 'Health, status and metrics of the service, for operators.' },
      ],
      // the empty requirement means that a service without keys requires no key
      security: [{ key: [] }, {}],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description:
              'An API key is required if the service was started with a key or if keys have been created. Each ' +
              'operation states the minimum scope of the key: read, write or admin. `write` includes `read`, ' +
              'and `admin` includes both. `metrics` means any API key or the metrics key, one of which is ' +
              'required if a metrics key is set or if other machines can reach the service.',
          },
        },
      },
    },
    transform: transformRoute,
    transformObject: (document) => completeDocument(jsonSchemaTransformObject(document)),
  });
}

type Transform = typeof jsonSchemaTransform;

/** The transform of fastify-type-provider-zod, extended to keep the declared responses of the route. */
function transformRoute(route: Parameters<Transform>[0]): ReturnType<Transform> {
  const { schema, url } = transformBodies(route);
  const { facts } = (route.schema ?? {}) as FastifySchema;
  if (facts === undefined) return { schema, url };
  const answers: DeclaredAnswers = { headers: facts.headers, errors: codesByStatus(errorsOf(route.route, facts)) };
  const declared = { ...schema, [ANSWERS]: answers, security: securityOf(facts.scope) };
  return { schema: declared, url };
}

/**
 * The security requirement of a route, with the minimum scope of the key as a role. A service without keys requires no
 * key.
 */
function securityOf(scope: RouteScope): Record<string, string[]>[] {
  return scope === 'none' ? [] : [{ key: [scope] }, {}];
}

/** Adds bodies with several content types, because the transform of fastify-type-provider-zod supports only one. */
function transformBodies(route: Parameters<Transform>[0]): ReturnType<Transform> {
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
