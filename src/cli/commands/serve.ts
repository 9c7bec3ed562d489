/** `metaheac serve`. */
import { systemClock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logging.ts';
import type { Output } from '../../lib/output.ts';
import { readEnvironment } from '../environment.ts';
import { startService } from '../service.ts';

export interface ServeCommandOptions {
  dataDir?: string;
  model?: string;
  population?: string;
  followPopulation?: boolean;
  port?: string;
  host?: string;
  device?: string;
  threads?: string;
  otlpEndpoint?: string;
}

/**
 * Serves until SIGTERM or SIGINT. A repeated signal while closing changes nothing: under npm each Ctrl-C arrives twice.
 */
export async function serveCommand(options: ServeCommandOptions, output: Output): Promise<void> {
  const flags = {
    METAHEAC_DATA_DIR: options.dataDir,
    METAHEAC_MODEL: options.model,
    METAHEAC_POPULATION: options.population,
    METAHEAC_FOLLOW_POPULATION: options.followPopulation ? 'true' : undefined,
    METAHEAC_PORT: options.port,
    METAHEAC_HOST: options.host,
    METAHEAC_DEVICE: options.device,
    METAHEAC_THREADS: options.threads,
    METAHEAC_OTLP_ENDPOINT: options.otlpEndpoint,
  };
  const environment = readEnvironment(process.env, flags);
  const need = (name: 'METAHEAC_DATA_DIR' | 'METAHEAC_MODEL' | 'METAHEAC_POPULATION', flag: string): string => {
    const value = environment[name];
    if (value === undefined) throw new AppError('invalid_argument', `${flag} (or ${name}) is required`);
    return value;
  };
  const logger = createLogger(environment.METAHEAC_LOG_LEVEL, 'api');
  const service = await startService({
    dataDir: need('METAHEAC_DATA_DIR', '--data-dir'),
    model: need('METAHEAC_MODEL', '--model'),
    population: need('METAHEAC_POPULATION', '--population'),
    followPopulation: environment.METAHEAC_FOLLOW_POPULATION,
    host: environment.METAHEAC_HOST,
    port: environment.METAHEAC_PORT,
    apiKey: environment.METAHEAC_API_KEY ?? null,
    device: environment.METAHEAC_DEVICE,
    threads: environment.METAHEAC_THREADS ?? null,
    logLevel: environment.METAHEAC_LOG_LEVEL,
    otlpEndpoint: environment.METAHEAC_OTLP_ENDPOINT ?? null,
    limits: environment.limits,
    webhookAllowedHosts: environment.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
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
