/** Routes of webhooks and their delivery logs. */
import type { Webhook } from '../../domain/webhook-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { sendShown } from '../plugins/json/json-writing.ts';
import { pageQuery } from '../plugins/paging.ts';
import { ifMatchHeaders, NO_STORE, requireMatch } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import {
  delivery,
  deliveryPage,
  deliveryParams,
  deliveryQuery,
  rotationBody,
  signedWebhook,
  tagOfWebhook,
  webhook,
  webhookBody,
  webhookChangeBody,
  webhookPage,
  webhookParams,
} from './webhook.ts';

/** The function that makes creation idempotent, shared by the routes that create something. */
type Once = ReturnType<typeof createOnce>;

const TAGS = ['webhooks'];

export function addWebhookRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const once = createOnce(dependencies.store);
  createWebhook(app, dependencies, once);
  listWebhooks(app, dependencies);
  getWebhook(app, dependencies);
  updateWebhook(app, dependencies);
  deleteWebhook(app, dependencies);
  rotateWebhookSecret(app, dependencies, once);
  pingWebhook(app, dependencies, once);
  listDeliveries(app, dependencies);
  replayDelivery(app, dependencies, once);
}

function createWebhook(app: ServerApp, { store, webhooks, clock, config }: ServerDependencies, once: Once): void {
  app.post(
    '/v1/webhooks',
    describeRoute({
      operationId: 'createWebhook',
      scope: 'write',
      tags: TAGS,
      summary: 'Create a webhook',
      description:
        'Events follow Standard Webhooks: a `POST` of `{"type","timestamp","data"}` with the headers ' +
        '`webhook-id`, `webhook-timestamp` and `webhook-signature` (`v1,` and the base64 HMAC-SHA256 of ' +
        '`<id>.<timestamp>.<body>`, one for each active secret). A 2xx response confirms the delivery, and ' +
        '410 disables the webhook. After any other response, the delivery is retried for a day, with ' +
        'increasing delays and not before the time in `Retry-After`. Redirects are not followed. Events are ' +
        'delivered at least once and in no particular order; `webhook-id` identifies duplicates. The first ' +
        'audience of a campaign is reported as `campaign.ready`, and later audiences as `campaign.refreshed`.',
      headers: idempotencyHeaders,
      body: webhookBody(config),
      response: {
        201: json(
          'Created; `Location` is the URL of the webhook. Only this response contains the secret.',
          signedWebhook,
          ['Location', 'ETag', 'Cache-Control', 'Idempotent-Replayed'],
        ),
      },
      errors: ['webhook_url_refused', 'too_many_webhooks', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      webhooks.guard.checkUrl(request.body.url);
      return once(request, reply, {
        answer: signedWebhook,
        make: (idempotent) => store.webhooks.create(request.body, config.maximumWebhooks, clock.now(), idempotent),
        head: (response, shown) => {
          const location = `/v1/webhooks/${shown.id}`;
          response.code(201).headers({ location, etag: tagOfWebhook(shown), ...NO_STORE });
        },
      });
    },
  );
}

function listWebhooks(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/webhooks',
    describeRoute({
      operationId: 'listWebhooks',
      scope: 'read',
      tags: TAGS,
      summary: 'List webhooks, newest first',
      querystring: pageQuery(config),
      response: { 200: json('A page of the list.', webhookPage) },
      errors: ['invalid_cursor'],
    }),
    async (request) => store.webhooks.list(request.query),
  );
}

function getWebhook(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/webhooks/:id',
    describeRoute({
      operationId: 'getWebhook',
      scope: 'read',
      tags: TAGS,
      summary: 'Get a webhook',
      params: webhookParams,
      response: { 200: json('The webhook.', webhook, ['ETag']) },
      errors: ['webhook_not_found'],
    }),
    async (request, reply) => {
      const found = webhook.parse(await store.webhooks.get(request.params.id));
      return sendShown(reply.header('etag', tagOfWebhook(found)), found);
    },
  );
}

function updateWebhook(app: ServerApp, { store, webhooks, clock, config }: ServerDependencies): void {
  app.patch(
    '/v1/webhooks/:id',
    describeRoute({
      operationId: 'updateWebhook',
      scope: 'write',
      tags: TAGS,
      summary: 'Change the URL, events, description or state of a webhook',
      description: 'If the URL changes, pending deliveries go to the new URL.',
      params: webhookParams,
      headers: ifMatchHeaders,
      body: webhookChangeBody(config),
      response: { 200: json('The webhook.', webhook, ['ETag']) },
      errors: ['webhook_url_refused', 'webhook_not_found', 'precondition_failed'],
    }),
    async (request, reply) => {
      const { id } = request.params;
      if (request.body.url !== undefined) webhooks.guard.checkUrl(request.body.url);
      const accept = (before: Webhook) => {
        const tag = tagOfWebhook(webhook.parse(before));
        requireMatch(request.headers['if-match'], (etag) => etag === tag);
      };
      const changed = webhook.parse(await store.webhooks.update(id, request.body, clock.now(), accept));
      webhooks.wake();
      return sendShown(reply.header('etag', tagOfWebhook(changed)), changed);
    },
  );
}

function deleteWebhook(app: ServerApp, { store }: ServerDependencies): void {
  app.delete(
    '/v1/webhooks/:id',
    describeRoute({
      operationId: 'deleteWebhook',
      scope: 'write',
      tags: TAGS,
      summary: 'Delete a webhook and its deliveries',
      description: 'Pending deliveries are dropped. An attempt in progress is not interrupted.',
      params: webhookParams,
      response: { 204: { description: 'The resource was deleted.' } },
      errors: ['webhook_not_found'],
    }),
    async (request, reply) => {
      await store.webhooks.remove(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function rotateWebhookSecret(app: ServerApp, { store, clock, config }: ServerDependencies, once: Once): void {
  app.post(
    '/v1/webhooks/:id/rotate',
    describeRoute({
      operationId: 'rotateWebhookSecret',
      scope: 'write',
      tags: TAGS,
      summary: "Replace a webhook's secret",
      description:
        'Previous secrets keep signing together with the new secret for `grace_seconds`, so that receivers ' +
        'have time to switch. The body is optional.',
      params: webhookParams,
      headers: idempotencyHeaders,
      body: rotationBody(config),
      response: {
        200: json('The webhook with its new secret, which is never shown again.', signedWebhook, [
          'ETag',
          'Cache-Control',
          'Idempotent-Replayed',
        ]),
      },
      errors: ['webhook_not_found', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      const graceMs = request.body === null ? config.webhookSecretGraceMs : request.body.grace_seconds * 1000;
      return once(request, reply, {
        answer: signedWebhook,
        make: (idempotent) => store.webhooks.rotate(request.params.id, graceMs, clock.now(), idempotent),
        head: (response, shown) => response.headers({ etag: tagOfWebhook(shown), ...NO_STORE }),
      });
    },
  );
}

function pingWebhook(app: ServerApp, { store, webhooks, clock }: ServerDependencies, once: Once): void {
  app.post(
    '/v1/webhooks/:id/ping',
    describeRoute({
      operationId: 'pingWebhook',
      scope: 'write',
      tags: TAGS,
      summary: 'Send a `webhook.ping` event',
      params: webhookParams,
      headers: idempotencyHeaders,
      response: { 202: json('The delivery was queued.', delivery, ['Idempotent-Replayed']) },
      errors: ['webhook_not_found', 'webhook_disabled', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      return once(request, reply, {
        answer: delivery,
        make: (idempotent) => store.outbox.ping(request.params.id, clock.now(), idempotent),
        head: (response) => {
          webhooks.wake();
          response.code(202);
        },
      });
    },
  );
}

function listDeliveries(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/webhooks/:id/deliveries',
    describeRoute({
      operationId: 'listDeliveries',
      scope: 'read',
      tags: TAGS,
      summary: "List a webhook's deliveries, newest first",
      params: webhookParams,
      querystring: deliveryQuery(config),
      response: { 200: json('A page of the list.', deliveryPage) },
      errors: ['invalid_cursor', 'webhook_not_found'],
    }),
    async (request) => store.outbox.deliveries(request.params.id, request.query),
  );
}

function replayDelivery(app: ServerApp, { store, webhooks, clock }: ServerDependencies, once: Once): void {
  app.post(
    '/v1/webhooks/:id/deliveries/:delivery_id/replay',
    describeRoute({
      operationId: 'replayDelivery',
      scope: 'write',
      tags: TAGS,
      summary: 'Send the event of a delivery again',
      description:
        'Queues a new delivery with the same `webhook-id` and body. The new delivery is retried like any other.',
      params: deliveryParams,
      headers: idempotencyHeaders,
      response: { 202: json('The delivery was queued.', delivery, ['Idempotent-Replayed']) },
      errors: ['webhook_not_found', 'delivery_not_found', 'webhook_disabled', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      const { id, delivery_id: deliveryId } = request.params;
      return once(request, reply, {
        answer: delivery,
        make: (idempotent) => store.outbox.replay(id, deliveryId, clock.now(), idempotent),
        head: (response) => {
          webhooks.wake();
          response.code(202);
        },
      });
    },
  );
}
