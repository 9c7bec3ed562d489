/** Limits of the domain: counts, attempts and retention periods. */
import { fixed, setting } from '../lib/limits.ts';

export const DOMAIN_LIMITS = {
  minimumSeeds: setting(
    10,
    'seeds',
    'Minimum number of known seeds for an expansion; with fewer seeds the expansion ends as `too_small`.',
    { most: 1_000_000_000, published: true },
  ),
  leaseMs: fixed(
    15_000,
    'ms',
    'Maximum time without a lease renewal, in milliseconds, before the expansion is restarted.',
    {
      published: true,
    },
  ),
  maximumAttempts: setting(
    5,
    'attempts',
    'Maximum number of attempts at an expansion that fail, and of attempts whose engine dies. Each is counted by ' +
      'itself; after the last, the expansion is `failed`.',
    {
      most: 100,
      published: true,
    },
  ),
  retainedVersions: setting(10, 'versions', 'Number of inactive audience versions that are kept per campaign.', {
    published: true,
  }),
  retainedDays: setting(30, 'days', 'How long inactive audience versions are kept, in days.', { published: true }),
  auditRetainedDays: setting(400, 'days', 'How long entries of the audit log are kept, in days.'),
  conversionRetainedDays: setting(400, 'days', 'How long conversions are kept, in days.'),
  maximumKeys: fixed(1_000, 'keys', 'Maximum number of API keys that are not revoked.'),
  maximumWebhooks: fixed(
    32,
    'webhooks',
    'Maximum number of webhooks. Each webhook needs its own calls, memory and time.',
    {
      published: true,
    },
  ),
  maximumDestinations: setting(32, 'destinations', 'Maximum number of destinations of audience versions.', {
    most: 1_000,
    published: true,
  }),
  webhookRetryMs: fixed(24 * 3_600_000, 'ms', 'How long a failed delivery is retried, in milliseconds (one day).', {
    published: true,
  }),
  webhookRetentionMs: setting(
    30 * 24 * 3_600_000,
    'ms',
    'How long finished deliveries stay in the log, in milliseconds (30 days).',
    { published: true },
  ),
};
