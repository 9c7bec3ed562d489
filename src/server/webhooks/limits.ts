/** Limits of webhooks and their deliveries. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const WEBHOOK_LIMITS = {
  maximumWebhooks: {
    default: 32,
    unit: 'webhooks',
    published: true,
    description: 'Webhooks; each takes calls, memory and time of its own.',
  },
  maximumWebhookUrlLength: {
    default: 2_048,
    unit: 'characters',
    description: "Characters of a webhook's URL.",
  },
  webhookParallelCalls: {
    default: 2,
    unit: 'calls',
    description: 'Calls to one webhook at one time; no other webhook waits for them.',
  },
  webhookPollMs: {
    default: 1_000,
    unit: 'ms',
    description: 'Milliseconds between two looks for deliveries that are due.',
  },
  webhookTimeoutMs: {
    default: 15_000,
    unit: 'ms',
    description: "Milliseconds of one attempt, from the look-up of the host to the answer's status.",
  },
  webhookAnswerBytes: {
    default: 16 * 1024,
    unit: 'bytes',
    description: "Bytes that are read of a receiver's answer before the connection is cut (16 KiB).",
  },
  webhookRetryMs: {
    default: 24 * 3_600_000,
    unit: 'ms',
    published: true,
    description: 'Milliseconds for which a delivery is tried again (a day).',
  },
  webhookSecretGraceMs: {
    default: 24 * 3_600_000,
    unit: 'ms',
    description: 'Milliseconds for which a replaced secret still signs, where none is given (a day).',
  },
  webhookRetentionMs: {
    default: 30 * 24 * 3_600_000,
    unit: 'ms',
    published: true,
    description: 'Milliseconds for which ended deliveries stay in the log (30 days).',
  },
} as const satisfies LimitRows;

export type WebhookLimits = LimitValues<typeof WEBHOOK_LIMITS>;
