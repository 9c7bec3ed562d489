/** Limits of telemetry. */
import { fixed } from '../../lib/limits.ts';

export const TELEMETRY_LIMITS = {
  otlpMetricsMs: fixed(15_000, 'ms', 'Milliseconds between two exports of all metrics, if they are exported.'),
};
