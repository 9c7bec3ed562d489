/** Limits of telemetry. */
import { fixed } from '../../lib/limits.ts';

export const TELEMETRY_LIMITS = {
  otlpMetricsMs: fixed(
    15_000,
    'ms',
    'Interval between exports of all metrics in milliseconds, if metrics are exported.',
  ),
};
