/** Limits of webhooks and their deliveries. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const WEBHOOK_LIMITS = {
  maximumWebhooks: {
    default: 32,
    unit: 'webhooks',
    published: true,
    description: 'Number of webhooks; each needs its own calls, memory and time.',
  },
  maximumWebhookUrlLength: {
    default: 2_048,
    unit: 'characters',
    description: "Characters of a webhook's URL.",
  },
  webhookParallelCalls: {
    default: 2,
    unit: 'calls',
    description: 'Concurrent calls to one webhook; no other webhook waits for them.',
  },
  webhookPollMs: {
    default: 1_000,
    unit: 'ms',
    description: 'Milliseconds between polls for due deliveries.',
  },
  webhookTimeoutMs: {
    default: 15_000,
    unit: 'ms',
    description: "Milliseconds for one attempt, from resolving the host to the response's status.",
  },
  webhookAnswerBytes: {
    default: 16 * 1024,
    unit: 'bytes',
    description: "Bytes of a receiver's response that are read before the connection is closed (16 KiB).",
  },
  webhookRetryMs: {
    default: 24 * 3_600_000,
    unit: 'ms',
    published: true,
    description: 'Milliseconds for which a delivery is retried (a day).',
  },
  webhookSecretGraceMs: {
    default: 24 * 3_600_000,
    unit: 'ms',
    description: 'Milliseconds for which a replaced secret still signs, if not specified (a day).',
  },
  webhookRetentionMs: {
    default: 30 * 24 * 3_600_000,
    unit: 'ms',
    published: true,
    description: 'Milliseconds for which finished deliveries stay in the log (30 days).',
  },
} as const satisfies LimitRows;

export type WebhookLimits = LimitValues<typeof WEBHOOK_LIMITS>;
