/** Routes of destinations and their deliveries. */
import type { Destination } from '../../domain/destinations.ts';
import { splitLabel } from '../../domain/identities.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { ifMatchHeaders } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { usersLabelled } from '../user-sets/identifiers.ts';
import { addReceiverRoutes, type Once, sendChanged, tagOfReceiver } from '../webhooks/receiver-routes.ts';
import {
  destination,
  destinationBody,
  destinationChangeBody,
  destinationDeliveryParams,
  destinationPage,
  destinationParams,
  destinationTest,
  newDestination,
  PLACE_FIELDS,
} from './destination.ts';

const TAGS = ['destinations'];

export function addDestinationRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const once = createOnce(dependencies.store);
  createDestination(app, dependencies, once);
  addReceiverRoutes(app, dependencies, once, {
    kind: 'destination',
    scope: 'admin',
    restricted: PLACE_FIELDS,
    item: destination,
    page: destinationPage,
    params: destinationParams,
    deliveryParams: destinationDeliveryParams,
    afterRemoval: 'Files that were delivered stay.',
    replay: {
      summary: 'Write the version of a delivery again',
      description: 'Queues a new delivery. Files that are unchanged in the destination are not written again.',
      isRefusedIfOff: false,
    },
  });
  updateDestination(app, dependencies);
  testDestination(app, dependencies);
}

function createDestination(
  app: ServerApp,
  { store, destinations, population, clock, config }: ServerDependencies,
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
        '`<campaign>/<version>/part-*`. Its `_manifest.json` is written last and lists the files with their sha256. ' +
        '`<campaign>/_active.json` names the active version. A delivery that fails is retried for a day, with ' +
        'increasing delays.',
      headers: idempotencyHeaders,
      body: destinationBody(config),
      response: {
        201: json('Created; `Location` is the URL of the destination.', destination, [
          'Location',
          'ETag',
          'Idempotent-Replayed',
        ]),
      },
      errors: ['destination_refused', 'too_many_destinations', 'idempotency_key_reused'],
    }),
    async (request, reply) => {
      const given = newDestination(request.body);
      checkIdentifier(given.identifier, population);
      await destinations.check(given.place);
      return once(request, reply, {
        answer: destination,
        make: (idempotent) => store.destinations.create(given, config.maximumDestinations, clock.now(), idempotent),
        head: (response, shown) => {
          const location = `/v1/destinations/${shown.id}`;
          response.code(201).headers({ location, etag: tagOfReceiver(shown) });
        },
      });
    },
  );
}

function updateDestination(app: ServerApp, { store, population, webhooks, clock, config }: ServerDependencies): void {
  app.patch(
    '/v1/destinations/:id',
    describeRoute({
      operationId: 'updateDestination',
      scope: 'admin',
      tags: TAGS,
      summary: 'Change what a destination receives, or pause or resume it',
      description: 'Pending deliveries use the new values. Versions delivered earlier are not written again.',
      params: destinationParams,
      headers: ifMatchHeaders,
      body: destinationChangeBody(config),
      response: { 200: json('The destination.', destination, ['ETag']) },
      errors: ['destination_not_found', 'precondition_failed'],
    }),
    async (request, reply) => {
      const { id } = request.params;
      checkIdentifier(request.body.identifier, population);
      const update = (accept: Accept<Destination>) => store.destinations.update(id, request.body, clock.now(), accept);
      await sendChanged(request, reply, destination, update);
      webhooks.wake();
      return reply;
    },
  );
}

/** @throws AppError invalid_request if the population does not have the identifiers */
function checkIdentifier(label: string | null | undefined, { directory }: ServerDependencies['population']): void {
  if (typeof label === 'string') usersLabelled(splitLabel(label), directory, '/identifier');
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
