/**
 * The port of the outbox: events on their way to webhooks. What writes an event does so in its own commit: no method
 * here does.
 */
import type { Page } from '../types.ts';
import type { Attempt, Delivery, DeliveryQuery, DueDelivery } from '../webhook-types.ts';

/** Times are milliseconds since 1970. */
export interface Outbox {
  /** Queues a `webhook.ping`. @throws AppError webhook_not_found, webhook_disabled, storage_failed, unavailable */
  ping(webhookId: string, now: number): Delivery;

  /**
   * Queues the event of a delivery again, as a delivery of its own.
   * @throws AppError webhook_not_found, delivery_not_found, webhook_disabled, storage_failed, unavailable
   */
  replay(webhookId: string, deliveryId: string, now: number): Delivery;

  /** Newest first. @throws AppError webhook_not_found, invalid_cursor */
  deliveries(webhookId: string, query: DeliveryQuery): Page<Delivery>;

  /**
   * Deliveries whose attempt is due, at most `perWebhook` of each enabled webhook, the longest due first. Nothing is
   * written: a sender that dies before it calls `record` finds them due again.
   */
  due(now: number, perWebhook: number): DueDelivery[];

  /**
   * Writes how an attempt went; false where the delivery is gone, or had ended. @throws AppError storage_failed,
   * unavailable
   */
  record(delivery: DueDelivery, attempt: Attempt, now: number): boolean;

  /** Ends deliveries as failed that wait since before `before` at a webhook that is disabled; returns their number. */
  failStranded(before: number): number;

  /**
   * Removes deliveries that ended and were made before `before`, and events without deliveries; true where there may be
   * more.
   */
  prune(before: number): boolean;

  pendingCount(): number;
}
