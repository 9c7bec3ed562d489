/** The pages of an engine of a cluster, which has no API: /livez, /readyz and /metrics. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { cannotListen, isLoopback } from '../../lib/listening.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { EngineStatus } from '../../service/ports/health.ts';
import { bearerOf, digest, secretCheck } from '../plugins/access/access.ts';
import { addEngineCopyMetrics, addEngineMetrics } from './engine-metrics.ts';
import { ReadMetrics } from './read-metrics.ts';

interface EnginePages {
  readonly host: string;
  readonly port: number;
  /** The key for metrics and the details of readiness; without it, they are open on a loopback address only. */
  readonly metricsKey: string | null;
  readonly engine: () => EngineStatus;
  /** Why the engine cannot work although it runs; null if it can. */
  readonly obstacle: () => string | null;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Serves the pages. @throws AppError unavailable if the port is taken */
export async function serveEnginePages(pages: EnginePages): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { host, port, engine } = pages;
  const registry = new Registry();
  const metrics = new ReadMetrics(registry);
  addEngineMetrics(() => ({ ...engine(), ready: engine().ready && pages.obstacle() === null }), metrics);
  addEngineCopyMetrics(engine, metrics);
  metrics.gauge('metaheac_info', 'The release.', () => [[{ version: PACKAGE_VERSION }, 1]], ['version']);
  const isKnown = secretCheck(pages.metricsKey);
  const isOpen = pages.metricsKey === null && isLoopback(host);
  const server = createServer(async (request, response) => {
    const token = bearerOf(request.headers.authorization);
    const mayRead = isOpen || (token !== undefined && isKnown(digest(token)));
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const answered = isGet ? answer(request.url ?? '', pages, registry, mayRead) : refusal(405);
    // an error in a page must not end the engine
    send(response, await Promise.resolve(answered).catch(() => refusal(500)));
  });
  await listen(server, { host, port });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(url: string, pages: EnginePages, registry: Registry, mayRead: boolean): Promise<Answer> {
  const [path] = url.split('?');
  if (path === '/livez') return { status: 200, type: JSON_TYPE, text: '{"status":"alive"}' };
  if (path === '/readyz') {
    const { ready, detail } = pages.engine();
    const obstacle = pages.obstacle();
    const isReady = ready && obstacle === null;
    const body = { status: isReady ? 'ready' : 'not ready', ...(mayRead && { detail: obstacle ?? detail }) };
    return { status: isReady ? 200 : 503, type: JSON_TYPE, text: JSON.stringify(body) };
  }
  if (path !== '/metrics') return refusal(404);
  return mayRead ? { status: 200, type: registry.contentType, text: await registry.metrics() } : refusal(401);
}

function refusal(status: number): Answer {
  return { status, type: JSON_TYPE, text: JSON.stringify({ status }) };
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(text);
}

function listen(server: Server, at: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) => fail(cannotListen(at, error)));
    server.listen(at, () => done());
  });
}
