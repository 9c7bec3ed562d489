/** The telemetry of the API process. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logging.ts';
import type { Telemetry, TelemetrySettings } from '../lib/tracing.ts';

interface TelemetryOptions {
  /** Settings of the export; nothing is sent if null or undefined. */
  readonly telemetry?: TelemetrySettings | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Loads telemetry if it is configured. Close telemetry after all parts that report to it. */
export async function openTelemetryOf(
  { telemetry: settings = null, clock, logger }: TelemetryOptions,
  closers: AsyncDisposableStack,
): Promise<Telemetry | null> {
  if (settings === null) return null;
  const { openTelemetry } = await import('../lib/telemetry/open.ts');
  const telemetry = openTelemetry({ settings, process: 'api', clock, logger });
  closers.defer(() => telemetry.close());
  return telemetry;
}
