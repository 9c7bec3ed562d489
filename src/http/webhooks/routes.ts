/** Routes of webhooks and their delivery logs. */
import type { ServerDependencies } from '../dependencies.ts';
import { NO_STORE } from '../plugins/conditional.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { ifMatchHeaders, requireMatch } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { presentDelivery, presentSigned, presentWebhook, tagOfWebhook } from './present.ts';
import {
  deliveryPageSchema,
  deliveryParams,
  deliveryQuery,
  deliverySchema,
  rotationBody,
  webhookBody,
  webhookChangeBody,
  webhookPageSchema,
  webhookParams,
  webhookQuery,
  webhookSchema,
  webhookWithSecretSchema,
} from './schemas.ts';

/** What these routes call. */
export type WebhookNeeds = Pick<ServerDependencies, 'clock' | 'config' | 'webhooks'> & {
  readonly store: Pick<ServerDependencies['store'], 'answerOf' | 'outbox' | 'webhooks'>;
};

/** Shared by the routes that make something: see `createOnce`. */
type Once = ReturnType<typeof createOnce>;

const TAGS = ['webhooks'];

export function addWebhookRoutes(app: ServerApp, dependencies: WebhookNeeds): void {
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

function createWebhook(app: ServerApp, { store, webhooks, clock, config }: WebhookNeeds, once: Once): void {
  app.post(
    '/v1/webhooks',
    {
      schema: describeRoute({
        operationId: 'createWebhook',
        scope: 'write',
        tags: TAGS,
        summary: 'Create a webhook',
        description:
          'Events are sent according to Standard Webhooks: `POST` of `{"type","timestamp","data"}` with ' +
          '`webhook-id`, `webhook-timestamp` and `webhook-signature` (`v1,` and the base64 HMAC-SHA256 of ' +
          '`<id>.<timestamp>.<body>`, one for each active secret). A 2xx response means delivered, 410 ' +
          'disables the webhook, anything else (redirects are not followed) is retried for a day, with ' +
          'growing pauses and not before `Retry-After`. Delivery is at least once and in no particular ' +
          'order: `webhook-id` identifies duplicates. `campaign.refreshed` is sent instead of ' +
          '`campaign.ready` if the campaign had an audience before.',
        headers: idempotencyHeaders,
        body: webhookBody(config),
        response: {
          201: json(
            'Created; `Location` is the address of the webhook. Only this response contains the secret.',
            webhookWithSecretSchema,
            ['Location', 'ETag', 'Cache-Control', 'Idempotent-Replayed'],
          ),
        },
        errors: ['webhook_url_refused', 'too_many_webhooks', 'idempotency_key_reused'],
      }),
    },
    async (request, reply) => {
      webhooks.guard.checkUrl(request.body.url);
      const webhook = await once(request, reply, {
        make: (idempotent) => store.webhooks.create(request.body, config.maximumWebhooks, clock.now(), idempotent),
        present: presentSigned,
      });
      return reply
        .code(201)
        .headers({ location: `/v1/webhooks/${webhook.id}`, etag: tagOfWebhook(webhook), ...NO_STORE })
        .send(webhook);
    },
  );
}

function listWebhooks(app: ServerApp, { store, config }: WebhookNeeds): void {
  app.get(
    '/v1/webhooks',
    {
      schema: describeRoute({
        operationId: 'listWebhooks',
        scope: 'read',
        tags: TAGS,
        summary: 'List webhooks, newest first',
        querystring: webhookQuery(config),
        response: { 200: json('A page.', webhookPageSchema) },
        errors: ['invalid_cursor'],
      }),
    },
    async (request) => {
      const page = store.webhooks.list(request.query);
      return { items: page.items.map(presentWebhook), next_cursor: page.nextCursor };
    },
  );
}

function getWebhook(app: ServerApp, { store }: WebhookNeeds): void {
  app.get(
    '/v1/webhooks/:id',
    {
      schema: describeRoute({
        operationId: 'getWebhook',
        scope: 'read',
        tags: TAGS,
        summary: 'Get a webhook',
        params: webhookParams,
        response: { 200: json('The webhook.', webhookSchema, ['ETag']) },
        errors: ['webhook_not_found'],
      }),
    },
    async (request, reply) => {
      const webhook = presentWebhook(store.webhooks.get(request.params.id));
      return reply.header('etag', tagOfWebhook(webhook)).send(webhook);
    },
  );
}

function updateWebhook(app: ServerApp, { store, webhooks, clock, config }: WebhookNeeds): void {
  app.patch(
    '/v1/webhooks/:id',
    {
      schema: describeRoute({
        operationId: 'updateWebhook',
        scope: 'write',
        tags: TAGS,
        summary: 'Change a webhook: URL, events, description, enabled',
        description: 'What waits goes to the new URL.',
        params: webhookParams,
        headers: ifMatchHeaders,
        body: webhookChangeBody(config),
        response: { 200: json('The webhook.', webhookSchema, ['ETag']) },
        errors: ['webhook_url_refused', 'webhook_not_found', 'precondition_failed'],
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      if (request.body.url !== undefined) webhooks.guard.checkUrl(request.body.url);
      const before = tagOfWebhook(presentWebhook(store.webhooks.get(id)));
      requireMatch(request.headers['if-match'], (etag) => etag === before);
      const webhook = presentWebhook(store.webhooks.update(id, request.body, clock.now()));
      webhooks.wake();
      return reply.header('etag', tagOfWebhook(webhook)).send(webhook);
    },
  );
}

function deleteWebhook(app: ServerApp, { store }: WebhookNeeds): void {
  app.delete(
    '/v1/webhooks/:id',
    {
      schema: describeRoute({
        operationId: 'deleteWebhook',
        scope: 'write',
        tags: TAGS,
        summary: 'Delete a webhook, with its deliveries',
        description: 'What waits is not sent any more; an attempt that is being made is not called back.',
        params: webhookParams,
        response: { 204: { description: 'Deleted.' } },
        errors: ['webhook_not_found'],
      }),
    },
    async (request, reply) => {
      store.webhooks.remove(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function rotateWebhookSecret(app: ServerApp, { store, clock, config }: WebhookNeeds, once: Once): void {
  app.post(
    '/v1/webhooks/:id/rotate',
    {
      schema: describeRoute({
        operationId: 'rotateWebhookSecret',
        scope: 'write',
        tags: TAGS,
        summary: 'Replace the secret',
        description:
          'Former secrets sign beside the new one for `grace_seconds` more, so that a receiver can change ' +
          'over. The body may be left out.',
        params: webhookParams,
        headers: idempotencyHeaders,
        body: rotationBody(config),
        response: {
          200: json('The webhook with its new secret, which is never shown again.', webhookWithSecretSchema, [
            'ETag',
            'Cache-Control',
            'Idempotent-Replayed',
          ]),
        },
        errors: ['webhook_not_found', 'idempotency_key_reused'],
      }),
    },
    async (request, reply) => {
      const graceMs = request.body === null ? config.webhookSecretGraceMs : request.body.grace_seconds * 1000;
      const webhook = await once(request, reply, {
        make: (idempotent) => store.webhooks.rotate(request.params.id, graceMs, clock.now(), idempotent),
        present: presentSigned,
      });
      return reply.headers({ etag: tagOfWebhook(webhook), ...NO_STORE }).send(webhook);
    },
  );
}

function pingWebhook(app: ServerApp, { store, webhooks, clock }: WebhookNeeds, once: Once): void {
  app.post(
    '/v1/webhooks/:id/ping',
    {
      schema: describeRoute({
        operationId: 'pingWebhook',
        scope: 'write',
        tags: TAGS,
        summary: 'Send a `webhook.ping`',
        params: webhookParams,
        headers: idempotencyHeaders,
        response: { 202: json('Queued.', deliverySchema, ['Idempotent-Replayed']) },
        errors: ['webhook_not_found', 'webhook_disabled', 'idempotency_key_reused'],
      }),
    },
    async (request, reply) => {
      const delivery = await once(request, reply, {
        make: (idempotent) => store.outbox.ping(request.params.id, clock.now(), idempotent),
        present: presentDelivery,
      });
      webhooks.wake();
      return reply.code(202).send(delivery);
    },
  );
}

function listDeliveries(app: ServerApp, { store, config }: WebhookNeeds): void {
  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      schema: describeRoute({
        operationId: 'listDeliveries',
        scope: 'read',
        tags: TAGS,
        summary: 'List deliveries, newest first',
        params: webhookParams,
        querystring: deliveryQuery(config),
        response: { 200: json('A page.', deliveryPageSchema) },
        errors: ['invalid_cursor', 'webhook_not_found'],
      }),
    },
    async (request) => {
      const page = store.outbox.deliveries(request.params.id, request.query);
      return { items: page.items.map(presentDelivery), next_cursor: page.nextCursor };
    },
  );
}

function replayDelivery(app: ServerApp, { store, webhooks, clock }: WebhookNeeds, once: Once): void {
  app.post(
    '/v1/webhooks/:id/deliveries/:delivery_id/replay',
    {
      schema: describeRoute({
        operationId: 'replayDelivery',
        scope: 'write',
        tags: TAGS,
        summary: 'Send the event of a delivery again',
        description:
          'As a delivery of its own, with the same `webhook-id` and the same body, and with its own time for retries.',
        params: deliveryParams,
        headers: idempotencyHeaders,
        response: { 202: json('Queued.', deliverySchema, ['Idempotent-Replayed']) },
        errors: ['webhook_not_found', 'delivery_not_found', 'webhook_disabled', 'idempotency_key_reused'],
      }),
    },
    async (request, reply) => {
      const { id, delivery_id: deliveryId } = request.params;
      const delivery = await once(request, reply, {
        make: (idempotent) => store.outbox.replay(id, deliveryId, clock.now(), idempotent),
        present: presentDelivery,
      });
      webhooks.wake();
      return reply.code(202).send(delivery);
    },
  );
}
