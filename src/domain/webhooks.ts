/** The rules of webhooks, their secrets and deliveries, and the event for the end of an expansion. */
import { randomBytes } from 'node:crypto';
import { AppError, assert } from '../lib/errors.ts';
import type { ExpansionState } from './states.ts';
import type { Attempt, CampaignEvent, DeliveryState, Webhook, WebhookChange } from './webhook-types.ts';

/** Number of bytes in a secret; Standard Webhooks requires 24 to 64. */
const SECRET_BYTES = 32;
/** Maximum number of former secrets that still sign events. Each secret adds 48 bytes to a header. */
const MAXIMUM_OLD_SECRETS = 4;

/** @throws AppError too_many_webhooks */
export function refuseMoreWebhooks(count: number, maximum: number): void {
  if (count >= maximum)
    throw new AppError('too_many_webhooks', `there are ${count} webhooks; the maximum is ${maximum}`);
}

/**
 * Throws if the webhook is disabled, because no events are queued for a disabled webhook.
 * @throws AppError webhook_disabled
 */
export function requireEnabled({ id, enabled }: Pick<Webhook, 'id' | 'enabled'>): void {
  if (!enabled) throw new AppError('webhook_disabled', `webhook ${id} is disabled, so nothing is sent to it`);
}

/** A webhook's `disabledReason` after a change: `null` if the webhook is now enabled, otherwise unchanged. */
export function reasonAfter(
  { enabled, disabledReason }: Pick<Webhook, 'enabled' | 'disabledReason'>,
  change: WebhookChange,
): string | null {
  return (change.enabled ?? enabled) ? null : disabledReason;
}

/** A new secret, in the form of Standard Webhooks. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** A secret that signs events until it expires. */
export interface KeptSecret {
  readonly number: number;
  /** When the secret expires, in milliseconds since 1970; `null` for the newest secret. */
  readonly expiresAt: number | null;
}

/**
 * The former secrets, newest first, that still sign events for at most `graceMs` after a rotation. All other former
 * secrets are removed.
 */
export function secretsToKeep(secrets: readonly KeptSecret[], graceMs: number, now: number) {
  const until = now + graceMs;
  return secrets
    .map(({ number, expiresAt }) => ({ number, expiresAt: Math.min(expiresAt ?? until, until) }))
    .slice(0, MAXIMUM_OLD_SECRETS)
    .filter(({ expiresAt }) => expiresAt > now);
}

/**
 * A delivery's state and number of recorded attempts (`null` if the delivery no longer exists), and the current state
 * of its webhook.
 */
export interface AttemptedDelivery {
  readonly state: DeliveryState | null;
  readonly attempts: number | null;
  readonly url: string;
  readonly enabled: boolean | 0 | 1;
}

/**
 * Whether to record an attempt, and whether to disable the webhook because its receiver is permanently gone. An attempt
 * is not recorded if its delivery no longer exists or has already ended; nor if it failed and another attempt, which
 * another process made at the same time, was recorded first. `attempt.attempts` is the number of recorded attempts when
 * the delivery was read. The webhook is not disabled if its URL has
 * changed since the attempt.
 */
export function decideAttempt(
  { state, attempts, url, enabled }: AttemptedDelivery,
  attempt: Pick<Attempt, 'state' | 'nextAttemptAt' | 'isGone'> & { readonly url: string; readonly attempts: number },
): { readonly isRecorded: boolean; readonly disables: boolean } {
  assert((attempt.state === 'pending') === (attempt.nextAttemptAt !== null), 'a pending delivery has a next attempt');
  const isNews = attempt.state === 'delivered' || attempts === attempt.attempts;
  return {
    isRecorded: state === 'pending' && isNews,
    disables: attempt.isGone && Boolean(enabled) && url === attempt.url,
  };
}

/** The event for the end of an expansion. The event is `refreshed` if the campaign already had an audience. */
export function eventOfEnd(state: ExpansionState, audienceVersion: number | null): CampaignEvent {
  if (state === 'ready') return audienceVersion === 1 ? 'campaign.ready' : 'campaign.refreshed';
  assert(state === 'failed' || state === 'too_small', `there is no event for ${state}`);
  return `campaign.${state}`;
}
