/** What may happen to webhooks, their secrets and deliveries, and which event the end of an expansion is. */
import { AppError, assert } from '../lib/errors.ts';
import type { ExpansionState } from './states.ts';
import type { Attempt, CampaignEvent, DeliveryState, Webhook, WebhookChange } from './webhook-types.ts';

/** Replaced secrets that still sign: each is 48 bytes of a header. */
const MAXIMUM_OLD_SECRETS = 4;

/** @throws AppError too_many_webhooks */
export function refuseMoreWebhooks(count: number, maximum: number): void {
  if (count >= maximum)
    throw new AppError('too_many_webhooks', `there are ${count} webhooks, at most ${maximum} are kept`);
}

/** Nothing is queued for a webhook that is disabled. @throws AppError webhook_disabled */
export function requireEnabled({ id, enabled }: Pick<Webhook, 'id' | 'enabled'>): void {
  if (!enabled) throw new AppError('webhook_disabled', `webhook ${id} is disabled: nothing is sent to it`);
}

/** Why a webhook is disabled after a change; enabling it forgets the reason. */
export function reasonAfter(
  { enabled, disabledReason }: Pick<Webhook, 'enabled' | 'disabledReason'>,
  change: WebhookChange,
): string | null {
  return (change.enabled ?? enabled) ? null : disabledReason;
}

/** A secret that signs, until it expires. */
export interface KeptSecret {
  readonly number: number;
  /** Milliseconds since 1970; `null` for the newest. */
  readonly expiresAt: number | null;
}

/**
 * The former secrets, the newest first, that go on signing for at most `graceMs` beside a new one. Those that are not
 * among them are removed.
 */
export function secretsToKeep(secrets: readonly KeptSecret[], graceMs: number, now: number) {
  const until = now + graceMs;
  return secrets
    .map(({ number, expiresAt }) => ({ number, expiresAt: Math.min(expiresAt ?? until, until) }))
    .slice(0, MAXIMUM_OLD_SECRETS)
    .filter(({ expiresAt }) => expiresAt > now);
}

/** A delivery's state (`null` if it is gone), and its webhook as it is now. */
export interface AttemptedDelivery {
  readonly state: DeliveryState | null;
  readonly url: string;
  readonly enabled: boolean | 0 | 1;
}

/**
 * Whether an attempt is recorded, which it is unless its delivery is gone or had ended; and whether the webhook is
 * disabled because its receiver is gone for good. If it has a new URL by now, that one did not say so.
 */
export function decideAttempt(
  { state, url, enabled }: AttemptedDelivery,
  attempt: Pick<Attempt, 'state' | 'nextAttemptAt' | 'isGone'> & { readonly url: string },
): { readonly isRecorded: boolean; readonly disables: boolean } {
  assert((attempt.state === 'pending') === (attempt.nextAttemptAt !== null), 'a pending delivery is tried again');
  return { isRecorded: state === 'pending', disables: attempt.isGone && Boolean(enabled) && url === attempt.url };
}

/** The event of an expansion's end: `refreshed` if the campaign had an audience before. */
export function eventOfEnd(state: ExpansionState, audienceVersion: number | null): CampaignEvent {
  if (state === 'ready') return audienceVersion === 1 ? 'campaign.ready' : 'campaign.refreshed';
  assert(state === 'failed' || state === 'too_small', `nobody is notified of ${state}`);
  return `campaign.${state}`;
}
