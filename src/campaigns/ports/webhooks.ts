/** The port of webhooks: who is told, and the secrets that sign. */
import type { Page, PageQuery } from '../types.ts';
import type { NewWebhook, Webhook, WebhookChange } from '../webhook-types.ts';

/**
 * Each method that writes has its effect on the disk when it returns, or throws (AppError storage_failed, unavailable)
 * and had none.
 */
export interface Webhooks {
  /** The only answer with the secret, but for `rotate`. @throws AppError too_many_webhooks */
  create(input: NewWebhook, maximum: number, now: number): { readonly webhook: Webhook; readonly secret: string };

  /** @throws AppError webhook_not_found */
  get(id: string): Webhook;

  /** Newest first. @throws AppError invalid_cursor */
  list(query: PageQuery): Page<Webhook>;

  /** @throws AppError webhook_not_found */
  update(id: string, change: WebhookChange, now: number): Webhook;

  /** With its deliveries, pending ones too. @throws AppError webhook_not_found */
  remove(id: string): void;

  /**
   * Returns a new secret. Every former one signs beside it for at most `graceMs` more (0: no longer at all).
   * @throws AppError webhook_not_found
   */
  rotate(id: string, graceMs: number, now: number): { readonly webhook: Webhook; readonly secret: string };
}
