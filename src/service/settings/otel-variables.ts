/**
 * The OpenTelemetry variables that `metaheac serve` reads. All processes on a machine may share these variables, so an
 * unusable value is ignored with a warning, as the OpenTelemetry specification requires.
 */
import { z } from 'zod';
import { SAMPLERS, type TelemetrySettings } from '../../lib/tracing.ts';
import type { Given, Settings } from './environment.ts';

const url = () => z.url({ protocol: /^https?$/ }).optional();
const whole = (least: number) =>
  z
    .string()
    .trim()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(least))
    .optional();
const exporter = () => z.enum(['otlp', 'none']).optional();
const SAMPLER_NAMES = SAMPLERS.map((name) => `\`${name}\``).join(', ');

/** Variables that the service reads, in the order of docs/settings.md. */
const schema = z.object({
  OTEL_SDK_DISABLED: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false']))
    .optional()
    .describe('If `true`, nothing is exported, regardless of other variables.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url().describe(
    'Base URL of a receiver. `METAHEAC_OTLP_ENDPOINT` takes precedence over all OpenTelemetry URLs.',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url().describe('Complete URL for traces.'),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: url().describe('Complete URL for metrics.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/json').optional().describe('`http/json`, the only protocol supported.'),
  OTEL_TRACES_EXPORTER: exporter().describe('`otlp` to export traces, `none` otherwise.'),
  OTEL_METRICS_EXPORTER: exporter().describe('`otlp` to export metrics, `none` otherwise.'),
  OTEL_TRACES_SAMPLER: z
    .enum(SAMPLERS)
    .optional()
    .describe(`Which traces are recorded: ${SAMPLER_NAMES} (default: \`parentbased_always_on\`).`),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .trim()
    .regex(/^[\d.]+$/)
    .transform(Number)
    .pipe(z.number().min(0).max(1))
    .optional()
    .describe('Share of traces that the ratio samplers keep, 0 to 1 (default: 1).'),
  OTEL_BSP_SCHEDULE_DELAY: whole(1).describe(
    'Maximum time that a span waits to be sent in a batch, in milliseconds (default: 1000).',
  ),
  OTEL_BSP_MAX_QUEUE_SIZE: whole(1).describe(
    'Maximum number of spans that wait for a slow receiver; further spans are dropped (default: 8192).',
  ),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: whole(1).describe('Maximum number of spans in one request (default: 512).'),
  OTEL_BSP_EXPORT_TIMEOUT: whole(1).describe(
    'Time limit for an export of spans in milliseconds, in addition to `OTEL_EXPORTER_OTLP_TIMEOUT` (default: ' +
      '30000).',
  ),
  OTEL_METRIC_EXPORT_INTERVAL: whole(100).describe(
    'Interval between exports of all metrics in milliseconds (default: 15000).',
  ),
  OTEL_METRIC_EXPORT_TIMEOUT: whole(1).describe(
    'Time limit for an export of metrics in milliseconds (default: 30000, and at most the interval).',
  ),
});

type Name = keyof typeof schema.shape;

/**
 * Variables that OpenTelemetry's packages read themselves. There is also a variant of each variable with `_TRACES_` or
 * `_METRICS_` after `OTLP`.
 */
const READ_BY_PACKAGES: readonly (readonly [string, string])[] = [
  [
    'OTEL_EXPORTER_OTLP_HEADERS',
    'Headers of each request, `name=value,..`, for example with an API key for the receiver.',
  ],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', 'Time limit of a request in milliseconds, including retries (default: 10000).'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', '`gzip` or `none` (default: `none`).'],
  [
    'OTEL_EXPORTER_OTLP_CERTIFICATE',
    "File with the certificates that the receiver's certificate is checked against (PEM).",
  ],
  ['OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', 'File with the certificate of the service (PEM).'],
  ['OTEL_EXPORTER_OTLP_CLIENT_KEY', "File with the private key of the service's certificate (PEM)."],
  ['OTEL_SERVICE_NAME', "The resource's `service.name` (default: `metaheac`)."],
  ['OTEL_RESOURCE_ATTRIBUTES', 'Further attributes of the resource, `key=value,..`.'],
];

/** Name and description of each variable, for docs/settings.md. */
export const OTEL_VARIABLES: readonly (readonly [string, string])[] = [
  ...Object.entries(schema.shape).map(([name, type]) => [name, type.description!] as const),
  ...READ_BY_PACKAGES,
];

/**
 * Reads which telemetry to export; null for no export. `source` is the environment. If telemetry is exported, `ignored`
 * is called with the name of each variable whose value cannot be used. `ignored` does not get the value, because a URL
 * may contain a password.
 */
export function readTelemetry(
  { values }: Settings,
  source: Given,
  ignored: (name: string) => void,
): TelemetrySettings | null {
  const { found, unusable } = parse(source);
  if (found.OTEL_SDK_DISABLED === 'true') return null;
  const own = values.METAHEAC_OTLP_ENDPOINT;
  const base = own ?? found.OTEL_EXPORTER_OTLP_ENDPOINT;
  const ofSignal = (path: string, whole: string | undefined, exporter: string | undefined): string | null => {
    if (exporter === 'none') return null;
    if (own === undefined && whole !== undefined) return whole;
    return base === undefined ? null : `${base.replace(/\/+$/, '')}/v1/${path}`;
  };
  const tracesUrl = ofSignal('traces', found.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, found.OTEL_TRACES_EXPORTER);
  const metricsUrl = ofSignal('metrics', found.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, found.OTEL_METRICS_EXPORTER);
  if (tracesUrl === null && metricsUrl === null) return null;
  for (const name of unusable) ignored(name);
  return {
    ...{ tracesUrl, metricsUrl },
    sampler: found.OTEL_TRACES_SAMPLER ?? 'parentbased_always_on',
    samplerRatio: found.OTEL_TRACES_SAMPLER_ARG ?? 1,
    batch: {
      maxQueueSize: found.OTEL_BSP_MAX_QUEUE_SIZE ?? 8_192,
      maxExportBatchSize: found.OTEL_BSP_MAX_EXPORT_BATCH_SIZE ?? 512,
      scheduledDelayMillis: found.OTEL_BSP_SCHEDULE_DELAY ?? 1_000,
      exportTimeoutMillis: found.OTEL_BSP_EXPORT_TIMEOUT ?? 30_000,
    },
    metricsMs: found.OTEL_METRIC_EXPORT_INTERVAL ?? values.limits.otlpMetricsMs,
    metricsTimeoutMs: found.OTEL_METRIC_EXPORT_TIMEOUT ?? 30_000,
  };
}

/** An empty variable counts as not set. */
function parse(source: Given): { readonly found: z.output<typeof schema>; readonly unusable: readonly string[] } {
  const names = Object.keys(schema.shape) as Name[];
  const set = Object.fromEntries(
    names.filter((name) => (source[name] ?? '').trim() !== '').map((name) => [name, source[name]]),
  );
  const unusable = [...new Set(schema.safeParse(set).error?.issues.map(({ path }) => String(path[0])) ?? [])];
  for (const name of unusable) delete set[name];
  return { found: schema.parse(set), unusable };
}
