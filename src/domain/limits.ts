/** Limits of the domain: what may be made, how often it is tried, and how long it is kept. */
import { fixed, setting } from '../lib/limits.ts';

export const DOMAIN_LIMITS = {
  minimumSeeds: setting(
    10,
    'seeds',
    'Number of known seeds that an expansion needs; with fewer it ends as `too_small`.',
    { most: 1_000_000_000, published: true },
  ),
  leaseMs: fixed(15_000, 'ms', 'Milliseconds without a sign of life after which an expansion is restarted.', {
    published: true,
  }),
  maximumAttempts: setting(5, 'attempts', 'Attempts at an expansion; after the last it is `failed`.', {
    most: 100,
    published: true,
  }),
  retainedVersions: setting(
    10,
    'versions',
    'Audience versions of a campaign that are kept in addition to the active one.',
    { published: true },
  ),
  retainedDays: setting(30, 'days', 'Days for which these versions are kept.', { published: true }),
  auditRetainedDays: setting(400, 'days', 'Days that entries of the audit log are kept.'),
  maximumKeys: fixed(1_000, 'keys', 'Number of API keys that are not revoked.'),
  maximumWebhooks: fixed(32, 'webhooks', 'Number of webhooks; each needs its own calls, memory and time.', {
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
