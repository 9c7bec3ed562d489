/** Routes that webhooks and destinations share: read, delete and replay. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { includesScope } from '../../domain/api-keys.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { ReceiverKind } from '../../domain/ports/outbox.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Caller } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { type createOnce, idempotencyHeaders } from '../plugins/idempotent.ts';
import { sendShown } from '../plugins/json/json-writing.ts';
import { pageQuery } from '../plugins/paging.ts';
import { requireMatch, tagOf } from '../plugins/preconditions.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { delivery, deliveryPage, type deliveryParams, deliveryQuery, type webhookParams } from './webhook.ts';

/** Makes creation idempotent; shared by all routes that create something. */
export type Once = ReturnType<typeof createOnce>;

/** Webhooks or destinations. */
export interface Receivers {
  readonly kind: ReceiverKind;
  /** Minimum scope of a key that may change receivers. */
  readonly scope: 'write' | 'admin';
  /** Names of the fields that keys without `scope` do not see. */
  readonly restricted: readonly string[];
  /** Response schema of one receiver, and of a page of them. */
  readonly item: z.ZodType;
  readonly page: z.ZodType;
  readonly params: typeof webhookParams;
  readonly deliveryParams: typeof deliveryParams;
  /** What remains after a deletion. */
  readonly afterRemoval: string;
  readonly replay: { readonly summary: string; readonly description: string; readonly isRefusedIfOff: boolean };
}

export function addReceiverRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  once: Once,
  receivers: Receivers,
): void {
  listReceivers(app, dependencies, receivers);
  getReceiver(app, dependencies, receivers);
  deleteReceiver(app, dependencies, receivers);
  listDeliveries(app, dependencies, receivers);
  replayDelivery(app, dependencies, once, receivers);
}

function listReceivers(app: ServerApp, { store, config }: ServerDependencies, receivers: Receivers): void {
  const { kind, page } = receivers;
  app.get(
    `/v1/${kind}s`,
    describeRoute({
      operationId: `list${nounOf(kind)}s`,
      scope: 'read',
      tags: [`${kind}s`],
      summary: `List ${kind}s, newest first`,
      querystring: pageQuery(config),
      response: { 200: json('A page of the list.', page) },
      errors: ['invalid_cursor'],
    }),
    async (request, reply) => {
      const { items, ...rest } = page.parse(await store[`${kind}s`].list(request.query)) as { items: object[] };
      return sendShown(reply, { items: items.map((item) => visibleTo(request.caller, item, receivers)), ...rest });
    },
  );
}

function getReceiver(app: ServerApp, { store }: ServerDependencies, receivers: Receivers): void {
  const { kind, item, params } = receivers;
  app.get(
    `/v1/${kind}s/:id`,
    describeRoute({
      operationId: `get${nounOf(kind)}`,
      scope: 'read',
      tags: [`${kind}s`],
      summary: `Get a ${kind}`,
      params,
      response: { 200: json(`The ${kind}.`, item, ['ETag']) },
      errors: [`${kind}_not_found`],
    }),
    async (request, reply) => {
      const all = item.parse(await store[`${kind}s`].get(request.params.id)) as object;
      const found = visibleTo(request.caller, all, receivers);
      return sendShown(reply.header('etag', tagOfReceiver(found)), found);
    },
  );
}

function deleteReceiver(app: ServerApp, { store }: ServerDependencies, receivers: Receivers): void {
  const { kind, scope, params, afterRemoval } = receivers;
  app.delete(
    `/v1/${kind}s/:id`,
    describeRoute({
      operationId: `delete${nounOf(kind)}`,
      scope,
      tags: [`${kind}s`],
      summary: `Delete a ${kind} and its deliveries`,
      description: `Pending deliveries are dropped. ${afterRemoval}`,
      params,
      response: { 204: { description: 'The resource was deleted.' } },
      errors: [`${kind}_not_found`],
    }),
    async (request, reply) => {
      await store[`${kind}s`].remove(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function listDeliveries(app: ServerApp, { store, config }: ServerDependencies, { kind, params }: Receivers): void {
  app.get(
    `/v1/${kind}s/:id/deliveries`,
    describeRoute({
      operationId: `list${ownerOf(kind)}Deliveries`,
      scope: 'read',
      tags: [`${kind}s`],
      summary: `List a ${kind}'s deliveries, newest first`,
      params,
      querystring: deliveryQuery(config),
      response: { 200: json('A page of the list.', deliveryPage) },
      errors: ['invalid_cursor', `${kind}_not_found`],
    }),
    async (request) => store.outbox.deliveries(request.params.id, request.query, kind),
  );
}

function replayDelivery(
  app: ServerApp,
  { store, webhooks, clock }: ServerDependencies,
  once: Once,
  { kind, scope, deliveryParams, replay: { isRefusedIfOff, ...texts } }: Receivers,
): void {
  app.post(
    `/v1/${kind}s/:id/deliveries/:delivery_id/replay`,
    describeRoute({
      operationId: `replay${ownerOf(kind)}Delivery`,
      scope,
      tags: [`${kind}s`],
      ...texts,
      params: deliveryParams,
      headers: idempotencyHeaders,
      response: { 202: json('The delivery was queued.', delivery, ['Idempotent-Replayed']) },
      errors: [
        `${kind}_not_found`,
        'delivery_not_found',
        ...(isRefusedIfOff ? (['webhook_disabled'] as const) : []),
        'idempotency_key_reused',
      ],
    }),
    async (request, reply) => {
      const { id, delivery_id: deliveryId } = request.params;
      return once(request, reply, {
        answer: delivery,
        make: (idempotent) => store.outbox.replay(id, deliveryId, clock.now(), idempotent, kind),
        head: (response) => {
          webhooks.wake();
          response.code(202);
        },
      });
    },
  );
}

/**
 * Changes a receiver if `If-Match` permits it, and sends the result with its ETag.
 * @throws AppError precondition_failed, and the errors of `update`
 */
export async function sendChanged<Item extends z.ZodType>(
  request: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
  answer: Item,
  update: (accept: Accept<z.input<Item>>) => Promise<z.input<Item>>,
): Promise<FastifyReply> {
  const changed = await update((before) => {
    const tag = tagOfReceiver(answer.parse(before) as object);
    requireMatch(request.headers['if-match'], (etag) => etag === tag);
  });
  const shown = answer.parse(changed) as object;
  return sendShown(reply.header('etag', tagOfReceiver(shown)), shown);
}

/** Returns the ETag of a webhook or destination. It covers all fields in responses except the secret. */
export function tagOfReceiver(shown: object): string {
  const { secret: _, ...rest } = shown as { readonly secret?: unknown };
  return tagOf(rest);
}

/** Returns the fields of a receiver that the caller's key may see. */
function visibleTo(caller: Caller | null, shown: object, { scope, restricted }: Receivers): object {
  if (caller !== null && includesScope(caller.scope, scope)) return shown;
  return Object.fromEntries(Object.entries(shown).filter(([name]) => !restricted.includes(name)));
}

/** The receiver's kind in operation ids. */
function nounOf(kind: ReceiverKind): string {
  return kind === 'webhook' ? 'Webhook' : 'Destination';
}

/** The receiver's kind in operation ids of deliveries; empty for webhooks. */
function ownerOf(kind: ReceiverKind): string {
  return kind === 'webhook' ? '' : nounOf(kind);
}
