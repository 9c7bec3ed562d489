/** Limits of calls to webhooks. */
import { fixed, type LimitValues } from '../../lib/limits.ts';

export const DELIVERY_LIMITS = {
  webhookParallelCalls: fixed(
    2,
    'calls',
    'Maximum number of concurrent calls to one webhook; no other webhook waits for these calls.',
  ),
  webhookPollMs: fixed(1_000, 'ms', 'Milliseconds between polls for due deliveries.'),
  webhookTimeoutMs: fixed(
    15_000,
    'ms',
    "Milliseconds for one attempt, from resolving the host to the response's status.",
  ),
  webhookAnswerBytes: fixed(
    16 * 1024,
    'bytes',
    "Maximum number of bytes of a receiver's response that are read before the connection is closed (16 KiB).",
  ),
};

export type DeliveryLimits = LimitValues<typeof DELIVERY_LIMITS>;
