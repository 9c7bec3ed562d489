/** Routes of the delivery logs of webhooks. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { type createOnce, idempotencyHeaders } from '../http/idempotent.ts';
import { describeRoute, json } from '../http/route.ts';
import { presentDelivery } from './present.ts';
import { deliveryPageSchema, deliveryParams, deliveryQuery, deliverySchema, webhookParams } from './schemas.ts';

type DeliveryNeeds = Pick<ServerDependencies, 'clock' | 'config' | 'webhooks'> & {
  readonly store: Pick<ServerDependencies['store'], 'outbox'>;
};

/** Shared by the routes that make something: see `createOnce`. */
type Once = ReturnType<typeof createOnce>;

const TAGS = ['webhooks'];

export function addDeliveryRoutes(app: ServerApp, dependencies: DeliveryNeeds, once: Once): void {
  listDeliveries(app, dependencies);
  replayDelivery(app, dependencies, once);
}

function listDeliveries(app: ServerApp, { store, config }: DeliveryNeeds): void {
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
        response: {
          200: json('A page.', deliveryPageSchema),
        },
        errors: ['invalid_cursor', 'webhook_not_found'],
      }),
    },
    async (request) => {
      const page = store.outbox.deliveries(request.params.id, request.query);
      return { items: page.items.map(presentDelivery), next_cursor: page.nextCursor };
    },
  );
}

function replayDelivery(app: ServerApp, { store, webhooks, clock }: DeliveryNeeds, once: Once): void {
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
        response: {
          202: json('Queued.', deliverySchema, ['Idempotent-Replayed']),
        },
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
