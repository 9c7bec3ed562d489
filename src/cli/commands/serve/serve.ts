/** `metaheac serve`. */
import { serve } from '../../../http/serve.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger, logsToTerminal } from '../../../lib/logging.ts';
import type { Output } from '../../../lib/output.ts';
import type { Limits } from '../../../service/limits.ts';
import { openService, type ServiceOptions } from '../../../service/service.ts';
import { required } from '../../../service/settings/environment.ts';
import { readTelemetry } from '../../../service/settings/otel-variables.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';

/** Signals that arrive within this time of each other count as one, because under npm each Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 500;
/** Maximum time that pending work may keep the process alive after the service has closed. */
const LINGER_MS = 200;
/** The exit code after a second signal is this number plus the signal number. */
const SIGNALLED = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Serves until SIGTERM or SIGINT, then waits a limited time for open requests, and exits with code 0. A second signal
 * ends the process and the engine at once, like kill -9; no acknowledged change is lost.
 */
export async function serveCommand(flags: FlagValues, output: Output, limits: Partial<Limits> = {}): Promise<void> {
  const settings = settingsOf(flags, output, limits);
  const { values } = settings;
  const pretty = values.METAHEAC_PRETTY ?? logsToTerminal();
  const logger = createLogger(values.METAHEAC_LOG_LEVEL, 'api', { pretty });
  const telemetry = readTelemetry(settings, process.env, (variable) =>
    logger.warn({ variable }, 'OpenTelemetry variable ignored: its value cannot be used'),
  );
  const options: ServiceOptions = {
    dataDir: required(values, 'METAHEAC_DATA_DIR'),
    model: required(values, 'METAHEAC_MODEL'),
    population: required(values, 'METAHEAC_POPULATION'),
    adopt: flags['adopt'] === true,
    followPopulation: values.METAHEAC_FOLLOW_POPULATION,
    host: values.METAHEAC_HOST,
    port: values.METAHEAC_PORT,
    apiKey: values.METAHEAC_API_KEY ?? null,
    metricsKey: values.METAHEAC_METRICS_KEY ?? null,
    allowedHosts: values.METAHEAC_ALLOWED_HOSTS,
    corsOrigins: values.METAHEAC_CORS_ORIGINS,
    trustedProxies: values.METAHEAC_TRUSTED_PROXIES,
    device: values.METAHEAC_DEVICE,
    threads: values.METAHEAC_THREADS ?? null,
    logLevel: values.METAHEAC_LOG_LEVEL,
    prettyLogs: pretty,
    telemetry,
    limits: values.limits,
    webhookAllowedHosts: values.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
    logger,
    clock: systemClock,
  };
  const server = await serve(await openService(options), options);
  // Before this point, a signal simply ends the process: verifying a large population may take long, and nothing needs
  // to be closed yet.
  const told = new Promise<void>((resolve) => {
    let first: number | null = null;
    for (const [signal, number] of Object.entries(SIGNALS))
      process.on(signal, () => {
        first ??= systemClock.elapsed();
        if (systemClock.elapsed() - first > SAME_SIGNAL_MS) process.exit(SIGNALLED + number);
        resolve();
      });
  });
  output.note(`metaheac is listening on ${server.url} (documentation: ${server.url}/docs)`);
  try {
    await Promise.race([server.engineReady.then(() => told), told]);
  } finally {
    await server.close();
    // a trace exporter that waits for its receiver would keep the process alive for ten seconds
    if (telemetry !== null) setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
