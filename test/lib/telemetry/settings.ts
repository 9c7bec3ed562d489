/** The default settings of an export. */

import type { TelemetrySettings } from '../../../src/lib/tracing.ts';
import { readSettings } from '../../../src/service/settings/environment.ts';
import { readTelemetry } from '../../../src/service/settings/otel-variables.ts';

/** `variables` are additional OpenTelemetry variables. */
export function settingsOf(endpoint: string, variables: Readonly<Record<string, string>> = {}): TelemetrySettings {
  const source = { METAHEAC_OTLP_ENDPOINT: endpoint, ...variables };
  return readTelemetry(readSettings(source), source, () => {})!;
}
