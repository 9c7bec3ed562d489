/** Verifies calls of webhooks: signature and time, according to Standard Webhooks. */
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import type { WebhookEvent } from './types.ts';

export { WebhookVerificationError };

/** The headers of node:http, of `fetch`, or any record with names in lower case. */
type ReceivedHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const NAMES = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/**
 * Returns the event of a call. `body` is the body as received: parsing and writing it again changes it. Events arrive
 * at least once, in no particular order; `webhook-id` identifies duplicates.
 * @throws WebhookVerificationError if no signature was made with the secret, or the call is more than five minutes old
 */
export function verifyWebhook(body: string | Uint8Array, headers: ReceivedHeaders, secret: string): WebhookEvent {
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const headerOf = (name: string) => (headers instanceof Headers ? headers.get(name) : headers[name]);
  const named = Object.fromEntries(NAMES.map((name) => [name, String(headerOf(name) ?? '')]));
  return new Webhook(secret).verify(text, named) as WebhookEvent;
}
