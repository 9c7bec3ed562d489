/** Routes that create, list, get and revoke API keys, and that return the permissions of the caller's key. */
import { ACTORS } from '../../domain/audit.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Caller } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { pageQuery } from '../plugins/paging.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { caller, key, keyBody, keyPage, keyParams, keyWithSecret } from './key.ts';

const TAGS = ['keys'];

export function addKeyRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  createKey(app, dependencies);
  listKeys(app, dependencies);
  getCaller(app, dependencies);
  getKey(app, dependencies);
  revokeKey(app, dependencies);
}

function createKey(app: ServerApp, { store, clock, config }: ServerDependencies): void {
  app.post(
    '/v1/keys',
    describeRoute({
      operationId: 'createKey',
      scope: 'admin',
      tags: TAGS,
      summary: 'Create an API key',
      description:
        'The operator creates the first key, with `metaheac keys create` or METAHEAC_API_KEY. While the ' +
        'service requires no key, the request is refused (`forbidden`), because otherwise the first caller ' +
        'could lock everyone else out.',
      body: keyBody(config, () => clock.now()),
      response: {
        201: json(
          'Created; `Location` is the URL of the key. Only this response contains the key itself.',
          keyWithSecret,
          ['Location', 'Cache-Control'],
        ),
      },
      errors: ['too_many_keys'],
    }),
    async (request, reply) => {
      refuseAnybody(request.caller);
      const { name, scope, labels, expires_at: expiry } = request.body;
      const expiresAt = expiry === undefined ? null : Date.parse(expiry);
      const { apiKey, key: secret } = await store.apiKeys.create(
        { name, scope, labels, expiresAt },
        config.maximumKeys,
      );
      return reply
        .code(201)
        .headers({ location: `/v1/keys/${apiKey.id}`, 'cache-control': 'no-store' })
        .send({ ...apiKey, key: secret });
    },
  );
}

function listKeys(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/keys',
    describeRoute({
      operationId: 'listKeys',
      scope: 'admin',
      tags: TAGS,
      summary: 'List API keys, newest first',
      description: 'The list includes revoked and expired keys. Secrets are never shown.',
      querystring: pageQuery(config),
      response: { 200: json('A page of the list.', keyPage) },
      errors: ['invalid_cursor'],
    }),
    async (request) => store.apiKeys.list(request.query),
  );
}

function getCaller(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/keys/current',
    describeRoute({
      operationId: 'getCurrentKey',
      scope: 'read',
      labels: 'heeded',
      tags: TAGS,
      summary: "Get the caller's permissions",
      description:
        'Lets a program offer only the operations that its key permits. The route also works if no key is ' +
        'required.',
      response: { 200: json('The permissions of the caller.', caller) },
    }),
    async (request) => {
      assert(request.caller !== null, 'the route needs a scope');
      const { actor, scope, labels } = request.caller;
      return { actor, scope, labels: labels ?? {}, key: await store.apiKeys.find(actor) };
    },
  );
}

function getKey(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/keys/:id',
    describeRoute({
      operationId: 'getKey',
      scope: 'admin',
      tags: TAGS,
      summary: 'Get an API key, without its secret',
      params: keyParams,
      response: { 200: json('The key.', key) },
      errors: ['key_not_found'],
    }),
    async (request) => store.apiKeys.get(request.params.id),
  );
}

function revokeKey(app: ServerApp, { store }: ServerDependencies): void {
  app.delete(
    '/v1/keys/:id',
    describeRoute({
      operationId: 'revokeKey',
      scope: 'admin',
      tags: TAGS,
      summary: 'Revoke an API key',
      description:
        'All later requests with the key are refused. The key stays in the list of keys. Repeating the ' +
        'request changes nothing.',
      params: keyParams,
      response: { 204: { description: 'The key was revoked.' } },
      errors: ['key_not_found'],
    }),
    async (request, reply) => {
      refuseAnybody(request.caller);
      await store.apiKeys.revoke(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

/** @throws AppError forbidden if the service requires no API key */
function refuseAnybody(caller: Caller | null): void {
  if (caller?.actor !== ACTORS.anybody) return;
  throw new AppError('forbidden', 'create the first key with `metaheac keys create`, or set METAHEAC_API_KEY');
}
