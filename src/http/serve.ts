/** Starts a service and serves it over HTTP. */
import type { AddressInfo } from 'node:net';
import { cannotListen, isLoopback } from '../lib/listening.ts';
import type { ListenOptions, Service } from '../service/ports/service.ts';
import { buildServer } from './app.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from './config.ts';
import type { ServerApp } from './plugins/fastify-types.ts';

export interface RunningServer {
  readonly url: string;
  /**
   * Resolves when the engine is ready; rejects if it cannot start; never settles if the server is closed before then.
   */
  readonly engineReady: Promise<void>;
  /** Ends all requests, then closes the service. */
  close(): Promise<void>;
}

/**
 * Accepts requests at once while the service starts; `/readyz` shows when the engine is ready. The server owns the
 * service and closes it, even if this function throws.
 * @throws AppError unavailable if the port is taken
 */
export async function serve(service: Service, options: ListenOptions): Promise<RunningServer> {
  let app: ServerApp | null = null;
  const close = async () => {
    // the server and the service are closed concurrently, so that both get the same time to finish work in flight
    await Promise.all([app?.close(), service.drain()]);
    await service.close();
  };
  try {
    app = await buildServer({ ...service.ports, config: configOf(service, options) });
    await listen(app, options);
    return { url: urlOf(app, options.host), engineReady: service.start(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function configOf({ limits }: Service, options: ListenOptions): ServerConfig {
  const { host, apiKey, metricsKey = null, allowedHosts = [], corsOrigins = [], trustedProxies = [] } = options;
  const { signalPrices = DEFAULT_SERVER_CONFIG.signalPrices, deletion = null } = options;
  return {
    ...limits,
    ...{ apiKey, metricsKey, corsOrigins, signalPrices, deletion, trustedProxies },
    isPublic: !isLoopback(host) || trustedProxies.length > 0,
    allowedHosts: [host, ...allowedHosts],
  };
}

async function listen(app: ServerApp, { host, port }: ListenOptions): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw cannotListen({ host, port }, error);
  }
}

function urlOf({ server }: ServerApp, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
