/** The telemetry of the API process. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logging.ts';
import type { Telemetry } from '../lib/tracing.ts';

interface TelemetryOptions {
  /** null or undefined: nothing is sent. */
  readonly otlpEndpoint?: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Loaded where it is wanted. It is closed after all that it is told of. */
export async function openTelemetryOf(
  { otlpEndpoint: endpoint = null, clock, logger }: TelemetryOptions,
  closers: (() => Promise<void> | void)[],
): Promise<Telemetry | null> {
  if (endpoint === null) return null;
  const { openTelemetry } = await import('../telemetry/open.ts');
  const telemetry = openTelemetry({ endpoint, process: 'api', clock, logger });
  closers.push(() => telemetry.close());
  return telemetry;
}
