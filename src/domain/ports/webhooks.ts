/** The port of webhooks and their signing secrets. */
import type { IdempotentRequest, Page, PageQuery } from '../types.ts';
import type { NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../webhook-types.ts';

/**
 * Each method that writes has its effect on disk when it returns, or throws (AppError storage_failed, unavailable)
 * without any effect. The response stored for `once` is of the same commit.
 */
export interface Webhooks {
  /** The only result with the secret, except for `rotate`. @throws AppError too_many_webhooks */
  create(input: NewWebhook, maximum: number, now: number, once?: IdempotentRequest<SignedWebhook>): SignedWebhook;

  /** @throws AppError webhook_not_found */
  get(id: string): Webhook;

  /** Newest first. @throws AppError invalid_cursor */
  list(query: PageQuery): Page<Webhook>;

  /** @throws AppError webhook_not_found */
  update(id: string, change: WebhookChange, now: number): Webhook;

  /** With its deliveries, pending ones too. @throws AppError webhook_not_found */
  remove(id: string): void;

  /**
   * Returns a new secret. Former ones continue to sign along with it for at most `graceMs` (0: not at all).
   * @throws AppError webhook_not_found
   */
  rotate(id: string, graceMs: number, now: number, once?: IdempotentRequest<SignedWebhook>): SignedWebhook;
}
