/** Signatures according to Standard Webhooks: HMAC-SHA256 of `<id>.<timestamp>.<body>`. */
import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

/**
 * The headers of one attempt, with one signature per secret; a receiver accepts any signature that matches. `now` is in
 * milliseconds since 1970.
 */
export function signedHeaders(eventId: string, body: string, secrets: readonly string[], now: number) {
  const timestamp = Math.floor(now / 1000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${eventId}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
