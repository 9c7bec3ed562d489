/** Limits of telemetry. */
import { fixed, type LimitValues } from '../../lib/limits.ts';

export const TELEMETRY_LIMITS = {
  otlpMetricsMs: fixed(15_000, 'ms', 'Milliseconds between two exports of all metrics, if they are exported.'),
};

export type TelemetryLimits = LimitValues<typeof TELEMETRY_LIMITS>;
