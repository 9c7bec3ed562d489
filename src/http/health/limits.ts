/** Limits of readiness: what a service that takes requests has at least. */
import { fixed } from '../../lib/limits.ts';

export const HEALTH_LIMITS = {
  readyFreeBytes: fixed(
    64 * 1024 * 1024,
    'bytes',
    'Free bytes of the disk of the data folder with fewer of which `/readyz` is 503 (64 MiB).',
  ),
  readyFreeDescriptors: fixed(
    64,
    'descriptors',
    'File descriptors that the API process may still open, with fewer of which `/readyz` is 503.',
  ),
  readyHeartbeatMs: fixed(
    30_000,
    'ms',
    "Milliseconds since the engine's last heartbeat (one a second) after which `/readyz` is 503.",
  ),
};
