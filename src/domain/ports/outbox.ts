/**
 * The port of the outbox: events to deliver to webhooks. Events of changes are written in the commits of the changes,
 * not by a method of this port.
 */

import type { IdempotentRequest } from '../idempotency.ts';
import type { Page } from '../pages.ts';
import type { Attempt, Delivery, DeliveryQuery, DueDelivery } from '../webhook-types.ts';

/** The receiver of a delivery: a URL, or a folder or bucket. */
export type ReceiverKind = 'webhook' | 'destination';

/**
 * The outbox. Destinations receive deliveries like webhooks, so `webhook` may also be a destination here. Times are in
 * milliseconds since 1970. The response stored for `once` is part of the commit that creates the delivery. If another
 * process has already answered that request, the call throws AnsweredBefore.
 */
export interface Outbox {
  /** Queues a `webhook.ping`. @throws AppError webhook_not_found, webhook_disabled, storage_failed, unavailable */
  ping(webhookId: string, now: number, once?: IdempotentRequest<Delivery>): Promise<Delivery>;

  /**
   * Queues the event of an earlier delivery again, as a new delivery.
   * @throws AppError webhook_not_found, destination_not_found, delivery_not_found, webhook_disabled, storage_failed,
   * unavailable
   */
  replay(
    webhookId: string,
    deliveryId: string,
    now: number,
    once?: IdempotentRequest<Delivery>,
    kind?: ReceiverKind,
  ): Promise<Delivery>;

  /**
   * A receiver's deliveries, newest first.
   * @throws AppError webhook_not_found, destination_not_found, invalid_cursor
   */
  deliveries(webhookId: string, query: DeliveryQuery, kind?: ReceiverKind): Promise<Page<Delivery>>;

  /**
   * At most `perWebhook` due deliveries of each enabled webhook. Deliveries that have been due longest come first.
   * Nothing is written, so the deliveries stay due if a sender dies before it calls `record`. If several processes
   * share the store, only one of them gets the deliveries of a webhook, until it has recorded all, has ended, or does
   * not ask any more.
   */
  due(now: number, perWebhook: number): Promise<DueDelivery[]>;

  /**
   * Records the outcome of an attempt. Returns false if the delivery no longer exists or has already ended, or if the
   * attempt failed and another attempt was recorded since the delivery was read.
   * @throws AppError storage_failed, unavailable
   */
  record(delivery: DueDelivery, attempt: Attempt, now: number): Promise<boolean>;

  /**
   * Marks deliveries as failed if they started waiting for a disabled webhook before the time `before`; returns their
   * number.
   */
  failStranded(before: number): Promise<number>;

  /**
   * Removes finished deliveries created before the time `before`, and events of that time without deliveries. Returns
   * true if there may be more to remove.
   */
  prune(before: number): Promise<boolean>;

  pendingCount(): Promise<number>;
}
