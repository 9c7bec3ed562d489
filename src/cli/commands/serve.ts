/** `metaheac serve`. */
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logging.ts';
import type { Output } from '../../lib/output.ts';
import { readSettings, required } from '../environment.ts';
import { startService } from '../service.ts';
import { type FlagValues, flagsOf } from '../setting-options.ts';

/**
 * Serves until SIGTERM or SIGINT. A repeated signal while closing changes nothing: under npm each Ctrl-C arrives twice.
 */
export async function serveCommand(flags: FlagValues, output: Output): Promise<void> {
  const { values } = readSettings(process.env, flagsOf(flags));
  const logger = createLogger(values.METAHEAC_LOG_LEVEL, 'api', { pretty: values.METAHEAC_PRETTY });
  const service = await startService({
    dataDir: required(values, 'METAHEAC_DATA_DIR'),
    model: required(values, 'METAHEAC_MODEL'),
    population: required(values, 'METAHEAC_POPULATION'),
    followPopulation: values.METAHEAC_FOLLOW_POPULATION,
    host: values.METAHEAC_HOST,
    port: values.METAHEAC_PORT,
    apiKey: values.METAHEAC_API_KEY ?? null,
    device: values.METAHEAC_DEVICE,
    threads: values.METAHEAC_THREADS ?? null,
    logLevel: values.METAHEAC_LOG_LEVEL,
    prettyLogs: values.METAHEAC_PRETTY,
    limits: values.limits,
    webhookAllowedHosts: values.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
    logger,
    clock: systemClock,
  });
  // Up to here a signal simply ends the process: verifying a large population may take long, and nothing needs closing
  // yet.
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  output.note(`metaheac is listening on ${service.url} (documentation: ${service.url}/docs)`);
  try {
    await Promise.race([service.engineReady.then(() => told), told]);
  } finally {
    await service.close();
  }
}
