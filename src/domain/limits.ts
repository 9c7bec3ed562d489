/** Limits of the domain: numbers, attempts and retention. */
import { fixed, setting } from '../lib/limits.ts';

export const DOMAIN_LIMITS = {
  minimumSeeds: setting(
    10,
    'seeds',
    'Minimum number of known seeds for an expansion; with fewer seeds it ends as `too_small`.',
    { most: 1_000_000_000, published: true },
  ),
  leaseMs: fixed(15_000, 'ms', 'Milliseconds without a lease renewal after which an expansion is restarted.', {
    published: true,
  }),
  maximumAttempts: setting(
    5,
    'attempts',
    'Maximum number of attempts at an expansion; after the last attempt the expansion is `failed`.',
    {
      most: 100,
      published: true,
    },
  ),
  retainedVersions: setting(
    10,
    'versions',
    'Number of audience versions kept per campaign, in addition to the active one.',
    { published: true },
  ),
  retainedDays: setting(30, 'days', 'Days for which inactive audience versions are kept.', { published: true }),
  auditRetainedDays: setting(400, 'days', 'Days for which entries of the audit log are kept.'),
  maximumKeys: fixed(1_000, 'keys', 'Maximum number of API keys that are not revoked.'),
  maximumWebhooks: fixed(32, 'webhooks', 'Maximum number of webhooks; each needs its own calls, memory and time.', {
    published: true,
  }),
  webhookRetryMs: fixed(24 * 3_600_000, 'ms', 'Milliseconds for which a delivery is retried (a day).', {
    published: true,
  }),
  webhookRetentionMs: setting(
    30 * 24 * 3_600_000,
    'ms',
    'Milliseconds for which finished deliveries stay in the log (30 days).',
    { published: true },
  ),
};
