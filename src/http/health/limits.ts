/**
 * Limits of storage (room that is kept free, and how fast files are verified while they are served) and of readiness,
 * and how often metrics are exported.
 */
import type { LimitRows, LimitValues } from '../limit.ts';

export const STORAGE_LIMITS = {
  diskReserveBytes: {
    default: 256 * 1024 * 1024,
    unit: 'bytes',
    least: 0,
    description:
      'Free bytes on the disk of the data folder below which nothing new is taken and queued expansions wait, while ' +
      'reads and deletions go on (256 MiB; 0: none).',
  },
  reserveFileBytes: {
    default: 8 * 1024 * 1024,
    unit: 'bytes',
    least: 0,
    description:
      'Size of the file in the data folder that is given up where a deletion finds the disk full (8 MiB; 0: none).',
  },
  scrubBytesPerSecond: {
    default: 8 * 1024 * 1024,
    unit: 'bytes/s',
    description: 'Bytes per second at which all files are verified while they are served (8 MiB).',
  },
  scrubPauseMs: {
    default: 24 * 3600 * 1000,
    unit: 'ms',
    most: 2 ** 31 - 1,
    description: 'Milliseconds between two such passes, and from the start to the first one (a day).',
  },
} as const satisfies LimitRows;

export type StorageLimits = LimitValues<typeof STORAGE_LIMITS>;

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
    description: 'Milliseconds between two exports of all metrics, if they are exported.',
  },
} as const satisfies LimitRows;

export type HealthLimits = LimitValues<typeof HEALTH_LIMITS>;
