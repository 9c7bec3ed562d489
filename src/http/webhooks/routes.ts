/** Routes of webhooks and their delivery logs. */
import type { Accept } from '../../domain/ports/accept.ts';
import type { Webhook } from '../../domain/webhook-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { ifMatchHeaders, NO_STORE } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { addReceiverRoutes, type Once, sendChanged, tagOfReceiver } from './receiver-routes.ts';
import {
  delivery,
  deliveryParams,
  rotationBody,
  signedWebhook,
  webhook,
  webhookBody,
  webhookChangeBody,
  webhookPage,
  webhookParams,
} from './webhook.ts';

const TAGS = ['webhooks'];

export function addWebhookRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const once = createOnce(dependencies.store);
  createWebhook(app, dependencies, once);
  addReceiverRoutes(app, dependencies, once, {
    kind: 'webhook',
    scope: 'write',
    restricted: [],
    item: webhook,
    page: webhookPage,
    params: webhookParams,
    deliveryParams,
    afterRemoval: 'An attempt in progress is not interrupted.',
    replay: {
      summary: 'Send the event of a delivery again',
      description:
        'Queues a new delivery with the same `webhook-id` and body. The new delivery is retried like any other.',
      isRefusedIfOff: true,
    },
  });
  updateWebhook(app, dependencies);
  rotateWebhookSecret(app, dependencies, once);
  pingWebhook(app, dependencies, once);
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
          response.code(201).headers({ location, etag: tagOfReceiver(shown), ...NO_STORE });
        },
      });
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
      const update = (accept: Accept<Webhook>) => store.webhooks.update(id, request.body, clock.now(), accept);
      await sendChanged(request, reply, webhook, update);
      webhooks.wake();
      return reply;
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
        head: (response, shown) => response.headers({ etag: tagOfReceiver(shown), ...NO_STORE }),
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
