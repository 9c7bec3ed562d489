/** Limits of readiness, and how often metrics are exported. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const HEALTH_LIMITS = {
  readyFreeBytes: {
    default: 64 * 1024 * 1024,
    unit: 'bytes',
    least: 0,
    description: 'Free bytes of the disk of the data folder with fewer of which `/readyz` is 503 (64 MiB).',
  },
  readyFreeDescriptors: {
    default: 64,
    unit: 'descriptors',
    least: 0,
    description: 'File descriptors that the API process may still open, with fewer of which `/readyz` is 503.',
  },
  readyHeartbeatMs: {
    default: 30_000,
    unit: 'ms',
    description: "Milliseconds since the engine's last heartbeat (one a second) after which `/readyz` is 503.",
  },
  otlpMetricsMs: {
    default: 15_000,
    unit: 'ms',
    least: 100,
    description: 'Milliseconds between two exports of all metrics, if `METAHEAC_OTLP_ENDPOINT` is set.',
  },
} as const satisfies LimitRows;

export type HealthLimits = LimitValues<typeof HEALTH_LIMITS>;
