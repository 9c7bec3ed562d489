/** The port of webhooks and their signing secrets. */

import type { IdempotentRequest } from '../idempotency.ts';
import type { Page, PageQuery } from '../pages.ts';
import type { NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../webhook-types.ts';
import type { Accept } from './accept.ts';

/**
 * Webhooks and their secrets. A method that writes returns once its effect is on disk; if it throws (AppError
 * storage_failed, unavailable), it has had no effect. The response stored for `once` is part of the same commit;
 * AnsweredBefore is thrown if another process has answered that request.
 */
export interface Webhooks {
  /**
   * Creates a webhook. Only `create` and `rotate` return the secret.
   * @throws AppError too_many_webhooks
   */
  create(
    input: NewWebhook,
    maximum: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook>;

  /** @throws AppError webhook_not_found */
  get(id: string): Promise<Webhook>;

  /** All webhooks, newest first. @throws AppError invalid_cursor */
  list(query: PageQuery): Promise<Page<Webhook>>;

  /**
   * Changes the named fields of a webhook. `accept` is called with the webhook before the change.
   * @throws AppError webhook_not_found; any error that `accept` throws
   */
  update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Promise<Webhook>;

  /**
   * Removes a webhook and its deliveries, including pending deliveries.
   * @throws AppError webhook_not_found
   */
  remove(id: string): Promise<void>;

  /**
   * Returns a new secret. Former secrets continue to sign events for at most `graceMs`; if `graceMs` is 0, they stop at
   * once.
   * @throws AppError webhook_not_found
   */
  rotate(id: string, graceMs: number, now: number, once?: IdempotentRequest<SignedWebhook>): Promise<SignedWebhook>;
}
