/** `metaheac engine`. */
import { serveEnginePages } from '../../../http/health/engine-server.ts';
import { AppError, UsageError } from '../../../lib/errors.ts';
import { createLogger, logsToTerminal, noteStart } from '../../../lib/logging.ts';
import { PACKAGE_VERSION } from '../../../lib/package-root.ts';
import { type EngineHost, openEngineHost } from '../../../service/cluster/engine-host.ts';
import { CLUSTER_LIMITS } from '../../../service/cluster/limits.ts';
import type { Limits } from '../../../service/limits.ts';
import { defaultThreads, type Settings } from '../../../service/settings/environment.ts';
import { readTelemetry } from '../../../service/settings/otel-variables.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { clusterOf } from '../chosen-store.ts';
import { untilSignal } from './signals.ts';

/** Port of the pages for monitoring, unless one is given. */
const DEFAULT_PORT = 8081;
/** Maximum time to stop after draining. The engine saves its checkpoints and leaves the cluster. */
const STOP_MS = 10_000;
/** Maximum time that pending work may keep the process alive after the engine has left the cluster. */
const LINGER_MS = 200;

/**
 * Expands campaigns of a cluster until SIGTERM or SIGINT, then ends the running expansions or leaves them to others,
 * and exits with code 0. A second signal ends the process at once.
 */
export async function engineCommand(flags: FlagValues, limits: Partial<Limits> = {}): Promise<void> {
  const settings = settingsOf(flags, limits);
  const { values } = settings;
  const cluster = clusterOf(values);
  if (cluster === null)
    throw new UsageError('an engine needs a cluster: --store postgres://host/database and --blobs s3://bucket/prefix');
  const pretty = values.METAHEAC_PRETTY ?? logsToTerminal();
  const logger = createLogger(values.METAHEAC_LOG_LEVEL, 'engine host', { pretty });
  const told = untilSignal(CLUSTER_LIMITS.engineDrainMs.value + STOP_MS, logger);
  const options = {
    ...cluster,
    device: values.METAHEAC_DEVICE,
    threads: values.METAHEAC_THREADS ?? null,
    limits: values.limits,
    logLevel: values.METAHEAC_LOG_LEVEL,
    prettyLogs: pretty,
    telemetry: readTelemetry(settings, process.env, (variable) =>
      logger.warn({ variable }, 'OpenTelemetry variable ignored: its value cannot be used'),
    ),
    logger,
  };
  const host = await openEngineHost(options);
  try {
    const pages = await servePages(host, settings);
    try {
      const started = {
        ...{ version: PACKAGE_VERSION, blobs: cluster.blobs, cache: cluster.cache },
        ...{ threads: options.threads ?? defaultThreads(), address: pages.url },
      };
      noteStart(logger, started, `metaheac engine: ${pages.url}/readyz`);
      await Promise.race([host.start().then(() => told), told]);
      await host.drain();
    } finally {
      await pages.close();
    }
  } finally {
    await host.close();
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

/** Serves the pages for monitoring. Without a given port, engines of the same machine take free ports. */
async function servePages(host: EngineHost, { values, origins }: Settings) {
  const isGiven = origins.get('METAHEAC_PORT')?.kind !== 'default';
  const pages = {
    host: values.METAHEAC_HOST,
    metricsKey: values.METAHEAC_METRICS_KEY ?? null,
    engine: () => host.engine(),
    obstacle: () => host.obstacle(),
  };
  try {
    return await serveEnginePages({ ...pages, port: isGiven ? values.METAHEAC_PORT : DEFAULT_PORT });
  } catch (error) {
    if (isGiven || !(error instanceof AppError) || error.code !== 'unavailable') throw error;
    return serveEnginePages({ ...pages, port: 0 });
  }
}
