/** `metaheac serve`. */
import type { DeletionSettings } from '../../../domain/deletion.ts';
import { serve } from '../../../http/serve.ts';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import { createLogger, logsToTerminal, noteStart } from '../../../lib/logging.ts';
import { PACKAGE_VERSION } from '../../../lib/package-root.ts';
import type { Limits } from '../../../service/limits.ts';
import type { Service } from '../../../service/ports/service.ts';
import { openService } from '../../../service/service.ts';
import { defaultThreads, required } from '../../../service/settings/environment.ts';
import { readTelemetry } from '../../../service/settings/otel-variables.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { clusterOf } from '../chosen-store.ts';
import { untilSignal } from './signals.ts';

/** Maximum time that pending work may keep the process alive after the service has closed. */
const LINGER_MS = 200;
/** Maximum time to stop, in addition to the time for responses in flight. */
const STOP_MS = 10_000;

/**
 * Serves until SIGTERM or SIGINT, then waits a limited time for open requests, and exits with code 0. A second signal
 * ends the process and the engine at once, like kill -9; no acknowledged change is lost.
 */
export async function serveCommand(flags: FlagValues, limits: Partial<Limits> = {}): Promise<void> {
  const settings = settingsOf(flags, limits);
  const { values } = settings;
  const pretty = values.METAHEAC_PRETTY ?? logsToTerminal();
  const logger = createLogger(values.METAHEAC_LOG_LEVEL, 'api', { pretty });
  const telemetry = readTelemetry(settings, process.env, (variable) =>
    logger.warn({ variable }, 'OpenTelemetry variable ignored: its value cannot be used'),
  );
  const cluster = clusterOf(values);
  const hasEngine = values.METAHEAC_ENGINE ?? cluster === null;
  if (cluster === null && !hasEngine)
    throw new UsageError('--engine false: only a node of a cluster can run without an engine');
  if (cluster !== null && flags['adopt'] === true)
    throw new UsageError('--adopt is for data folders: the data of a cluster is in its database');
  const options = {
    followPopulation: values.METAHEAC_FOLLOW_POPULATION,
    host: values.METAHEAC_HOST,
    port: values.METAHEAC_PORT,
    apiKey: values.METAHEAC_API_KEY ?? null,
    metricsKey: values.METAHEAC_METRICS_KEY ?? null,
    allowedHosts: values.METAHEAC_ALLOWED_HOSTS,
    corsOrigins: values.METAHEAC_CORS_ORIGINS,
    signalPrices: values.METAHEAC_SIGNAL_PRICES,
    deletion: deletionOf(values),
    trustedProxies: values.METAHEAC_TRUSTED_PROXIES,
    device: values.METAHEAC_DEVICE,
    threads: values.METAHEAC_THREADS ?? null,
    logLevel: values.METAHEAC_LOG_LEVEL,
    prettyLogs: pretty,
    telemetry,
    limits: values.limits,
    webhookAllowedHosts: values.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
    destinationsRoot: values.METAHEAC_DESTINATIONS_ROOT ?? null,
    logger,
    clock: systemClock,
  };
  const given = { model: values.METAHEAC_MODEL ?? null, population: values.METAHEAC_POPULATION ?? null };
  const service =
    cluster === null
      ? await openService({
          ...options,
          dataDir: required(values, 'METAHEAC_DATA_DIR'),
          model: required(values, 'METAHEAC_MODEL'),
          population: required(values, 'METAHEAC_POPULATION'),
          adopt: flags['adopt'] === true,
          startsEngineEarly: true,
        })
      : await (await import('../../../service/cluster/engine-host.ts')).openNode({
          ...{ ...options, ...cluster, ...given, hasEngine },
        });
  const server = await serve(service, options);
  // Before this point, a signal simply ends the process: verifying a large population may take long, and nothing needs
  // to be closed yet.
  const told = untilSignal(service.limits.closeGraceMs + STOP_MS, logger);
  try {
    const started = { ...(await factsOf(service, { values, cluster, hasEngine })), address: server.url };
    noteStart(logger, started, `metaheac is listening on ${server.url} (documentation: ${server.url}/docs)`);
    await Promise.race([server.engineReady.then(() => told), told]);
  } finally {
    await server.close();
    // a trace exporter or a database that does not answer would keep the process alive
    if (telemetry !== null || cluster !== null) setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

/** @throws UsageError if deletion requests are accepted, but the service has no domain */
function deletionOf({
  METAHEAC_DELETION_ISSUERS: issuers,
  METAHEAC_DELETION_DOMAIN: domain,
}: Given['values']): DeletionSettings | null {
  if (issuers.length === 0) return null;
  if (domain === undefined) throw new UsageError('METAHEAC_DELETION_ISSUERS also needs METAHEAC_DELETION_DOMAIN');
  return { domain, issuers };
}

interface Given {
  readonly values: ReturnType<typeof settingsOf>['values'];
  readonly cluster: ReturnType<typeof clusterOf>;
  readonly hasEngine: boolean;
}

/** Facts about a started service that operators ask for. */
async function factsOf({ ports }: Service, { values, cluster, hasEngine }: Given): Promise<object> {
  const { model, population } = ports.served();
  const keys = [
    values.METAHEAC_API_KEY !== undefined && 'METAHEAC_API_KEY',
    (await ports.store.apiKeys.exist()) && 'store',
  ];
  return {
    version: PACKAGE_VERSION,
    model: model.version,
    population: population.version,
    users: population.rowCount,
    ...(cluster === null ? { data_dir: values.METAHEAC_DATA_DIR } : { blobs: cluster.blobs, cache: cluster.cache }),
    threads: hasEngine ? (values.METAHEAC_THREADS ?? defaultThreads()) : 0,
    keys: keys.filter((from) => from !== false),
  };
}
