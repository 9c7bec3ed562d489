/** Thresholds of the readiness check. */
import { fixed } from '../../lib/limits.ts';

export const HEALTH_LIMITS = {
  readyFreeBytes: fixed(
    64 * 1024 * 1024,
    'bytes',
    'Minimum free bytes on the disk of the data folder or, in a cluster, of the cache; with less, `/readyz` returns 503 ' +
      '(64 MiB).',
  ),
  readyFreeDescriptors: fixed(
    64,
    'descriptors',
    'Minimum number of file descriptors still available to the API process; with fewer, `/readyz` returns 503.',
  ),
  readyHeartbeatMs: fixed(
    30_000,
    'ms',
    "Milliseconds since the engine's last heartbeat (one a second) after which `/readyz` returns 503.",
  ),
};
