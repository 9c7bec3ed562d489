/** Routes of destinations and their deliveries. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { pageQuery } from '../plugins/paging.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { delivery, deliveryPage, deliveryQuery } from '../webhooks/webhook.ts';
import {
  destination,
  destinationBody,
  destinationDeliveryParams,
  destinationPage,
  destinationParams,
  destinationTest,
  newDestination,
} from './destination.ts';

/** The function that makes creation idempotent, shared by the routes that create something. */
type Once = ReturnType<typeof createOnce>;

const TAGS = ['destinations'];

export function addDestinationRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const once = createOnce(dependencies.store);
  createDestination(app, dependencies, once);
  listDestinations(app, dependencies);
  getDestination(app, dependencies);
  deleteDestination(app, dependencies);
  testDestination(app, dependencies);
  listDestinationDeliveries(app, dependencies);
  replayDestinationDelivery(app, dependencies, once);
}

function createDestination(
  app: ServerApp,
  { store, destinations, clock, config }: ServerDependencies,
  once: Once,
): void {
  app.post(
    '/v1/destinations',
    describeRoute({
      operationId: 'createDestination',
      scope: 'admin',
      tags: TAGS,
      summary: 'Create a destination',
      description:
        'From now on, each audience version that becomes active is written to the folder or bucket, as ' +
        '`<campaign>/<version>/part-*`. Its `_manifest.json` is written last, and names the files with their ' +
        'sha256. `<campaign>/_active.json` names the active version. A delivery that fails is retried for a day, with ' +
        'increasing delays.',
      headers: idempotencyHeaders,
      body: destinationBody(config),
      response: {
        201: json('Created; `Location` is the URL of the destination.', destination, [
          'Location',
          'Idempotent-Replayed',
        ]),
      },
      errors: ['destination_refused', 'too_many_destinations', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      const given = newDestination(request.body);
      await destinations.check(given.place);
      return once(request, reply, {
        answer: destination,
        make: (idempotent) => store.destinations.create(given, config.maximumDestinations, clock.now(), idempotent),
        head: (response, { id }) => response.code(201).header('location', `/v1/destinations/${id}`),
      });
    },
  );
}

function listDestinations(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/destinations',
    describeRoute({
      operationId: 'listDestinations',
      scope: 'read',
      tags: TAGS,
      summary: 'List destinations, newest first',
      querystring: pageQuery(config),
      response: { 200: json('A page of the list.', destinationPage) },
      errors: ['invalid_cursor'],
    }),
    async (request) => store.destinations.list(request.query),
  );
}

function getDestination(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/destinations/:id',
    describeRoute({
      operationId: 'getDestination',
      scope: 'read',
      tags: TAGS,
      summary: 'Get a destination',
      params: destinationParams,
      response: { 200: json('The destination.', destination) },
      errors: ['destination_not_found'],
    }),
    async (request) => store.destinations.get(request.params.id),
  );
}

function deleteDestination(app: ServerApp, { store }: ServerDependencies): void {
  app.delete(
    '/v1/destinations/:id',
    describeRoute({
      operationId: 'deleteDestination',
      scope: 'admin',
      tags: TAGS,
      summary: 'Delete a destination and its deliveries',
      description: 'Pending deliveries are dropped. Files that were delivered stay.',
      params: destinationParams,
      response: { 204: { description: 'The resource was deleted.' } },
      errors: ['destination_not_found'],
    }),
    async (request, reply) => {
      await store.destinations.remove(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function testDestination(app: ServerApp, { store, destinations }: ServerDependencies): void {
  app.post(
    '/v1/destinations/:id/test',
    describeRoute({
      operationId: 'testDestination',
      scope: 'admin',
      tags: TAGS,
      summary: 'Write and remove a small file',
      params: destinationParams,
      response: { 200: json('The outcome.', destinationTest) },
      errors: ['destination_not_found'],
    }),
    async (request) => {
      const { place } = await store.destinations.get(request.params.id);
      return destinations.test(place);
    },
  );
}

function listDestinationDeliveries(app: ServerApp, { store, config }: ServerDependencies): void {
  app.get(
    '/v1/destinations/:id/deliveries',
    describeRoute({
      operationId: 'listDestinationDeliveries',
      scope: 'read',
      tags: TAGS,
      summary: "List a destination's deliveries, newest first",
      params: destinationParams,
      querystring: deliveryQuery(config),
      response: { 200: json('A page of the list.', deliveryPage) },
      errors: ['invalid_cursor', 'destination_not_found'],
    }),
    async (request) => store.outbox.deliveries(request.params.id, request.query, 'destination'),
  );
}

function replayDestinationDelivery(app: ServerApp, { store, webhooks, clock }: ServerDependencies, once: Once): void {
  app.post(
    '/v1/destinations/:id/deliveries/:delivery_id/replay',
    describeRoute({
      operationId: 'replayDestinationDelivery',
      scope: 'admin',
      tags: TAGS,
      summary: 'Write the version of a delivery again',
      description: 'Queues a new delivery. Files that the destination has unchanged are not written again.',
      params: destinationDeliveryParams,
      headers: idempotencyHeaders,
      response: { 202: json('The delivery was queued.', delivery, ['Idempotent-Replayed']) },
      errors: ['destination_not_found', 'delivery_not_found', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      const { id, delivery_id: deliveryId } = request.params;
      return once(request, reply, {
        answer: delivery,
        make: (idempotent) => store.outbox.replay(id, deliveryId, clock.now(), idempotent, 'destination'),
        head: (response) => {
          webhooks.wake();
          response.code(202);
        },
      });
    },
  );
}
