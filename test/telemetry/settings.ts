/** Settings of an export, as they are by default. */
import { readSettings } from '../../src/cli/environment.ts';
import { readTelemetry } from '../../src/cli/otel-variables.ts';
import type { TelemetrySettings } from '../../src/lib/tracing.ts';

/** `variables` are further ones of OpenTelemetry. */
export function settingsOf(endpoint: string, variables: Readonly<Record<string, string>> = {}): TelemetrySettings {
  const source = { METAHEAC_OTLP_ENDPOINT: endpoint, ...variables };
  return readTelemetry(readSettings(source), source, () => {})!;
}
