/** Limits of webhooks and their deliveries. */
import { fixed } from '../../lib/limits.ts';

export const WEBHOOK_LIMITS = {
  maximumWebhookUrlLength: fixed(2_048, 'characters', "Maximum number of characters in a webhook's URL."),
  webhookSecretGraceMs: fixed(
    24 * 3_600_000,
    'ms',
    'Milliseconds for which a replaced secret still signs deliveries, unless the request sets another time (a day).',
  ),
};
