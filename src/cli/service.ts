/** The composition root of the service: store, engine, server. `serve` and tests start it. */
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { RankingCache } from '../audience/ranking-cache.ts';
import { CampaignStore } from '../campaigns/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { readModelFolder } from '../model/folder.ts';
import { openPopulation } from '../population/population.ts';
import { buildServer } from '../server/app.ts';
import { requireKeyFor } from '../server/auth.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../server/config.ts';
import { EngineSupervisor } from '../worker/supervisor.ts';

export interface ServiceOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | null;
  readonly device: string;
  /** The engine's threads; null takes one a processor. */
  readonly threads: number | null;
  readonly minimumSeeds: number;
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  readonly openRankings: number;
  readonly logLevel: string;
  readonly limits: Partial<ServerConfig>;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Service {
  readonly url: string;
  readonly server: FastifyInstance;
  /** Resolves when the engine is ready; throws what it refuses. */
  readonly engineReady: Promise<void>;
  /** Ends requests, the engine and the store, in that order. */
  close(): Promise<void>;
}

/** Starts the API at once; `/readyz` says when the engine is ready too. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { logger, clock, minimumSeeds, leaseMs, maximumAttempts } = options;
  requireKeyFor(options.host, options.apiKey);
  const dataDir = resolve(options.dataDir);
  const model = readModelFolder(options.model);
  const population = openPopulation(options.population);
  const store = CampaignStore.open(dataDir, { clock, minimumSeeds, leaseMs, maximumAttempts });
  const rankings = new RankingCache({ openRankings: options.openRankings });
  const released = store.releaseDead(isAlive);
  if (released > 0) logger.warn({ jobs: released }, 'jobs of an ended service are back in the queue');
  const supervisor = new EngineSupervisor(
    {
      dataDir,
      model: resolve(options.model),
      population: resolve(options.population),
      populationVersion: population.version,
      device: options.device,
      threads: options.threads ?? availableParallelism(),
      minimumSeeds,
      leaseMs,
      maximumAttempts,
      logLevel: options.logLevel,
    },
    store,
    logger,
  );
  const server = await buildServer({
    store,
    rankings,
    population,
    campaignFeatures: model.manifest.features.campaign.map(({ name, kind, max_length }) => ({
      name,
      kind,
      ...(max_length === undefined ? {} : { maxLength: max_length }),
      isKnown: (value) => model.vocabularies.get(`campaign.${name}`)!.find(value) !== 0,
    })),
    modelVersion: model.manifest.version,
    engine: () => supervisor.state,
    wake: () => supervisor.wake(),
    logger,
    clock,
    config: { ...DEFAULT_SERVER_CONFIG, ...options.limits, apiKey: options.apiKey, minimumSeeds },
  });
  const close = async () => {
    await server.close();
    await supervisor.stop();
    rankings.closeAll();
    store.close();
  };
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (error) {
    await close();
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError('unavailable', `cannot listen on ${options.host}:${options.port}: ${code ?? String(error)}`, {
      cause: error,
    });
  }
  const { port } = server.server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, server, engineReady: supervisor.start(), close };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
