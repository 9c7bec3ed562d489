/**
 * Plugins that apply to every request and every route, in the order of registration. Each plugin names the plugins that
 * must be registered before it, and Fastify enforces this order.
 */
import type { FastifyBaseLogger, FastifyPluginAsync, RawServerDefault } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Cluster } from '../domain/ports/cluster.ts';
import type { Telemetry } from '../lib/tracing.ts';
import { recordChanges } from './audit/recorder.ts';
import type { ServerConfig } from './config.ts';
import type { ServerDependencies } from './dependencies.ts';
import { describeRoutes } from './openapi/document.ts';
import { negotiateContent } from './plugins/accept.ts';
import { type Access, guardRoutes, isUnknownApi } from './plugins/access/access.ts';
import { createBrowserGuard } from './plugins/access/browser-guard.ts';
import { allowOrigins } from './plugins/access/cors.ts';
import type { RateLimiter } from './plugins/access/rate-limit.ts';
import { refuseRepeatedHeaders } from './plugins/access/single-headers.ts';
import { closeGracefully } from './plugins/connections/closing.ts';
import { closeUnread } from './plugins/connections/connections.ts';
import { type LoadShedder, shed } from './plugins/connections/load-shedder.ts';
import type { OpenRequests } from './plugins/connections/open-requests.ts';
import { surviveOutages } from './plugins/connections/outage.ts';
import { refuseWithoutRoom } from './plugins/connections/room.ts';
import type { ServerApp, ZodTypeProvider } from './plugins/fastify-types.ts';
import { parseJsonBodies } from './plugins/json/json-body.ts';
import { refuseUnreadParts } from './plugins/json/unread-parts.ts';
import { addErrorResponses } from './plugins/route.ts';
import { traceRequests } from './plugins/tracing.ts';
import { answerErrors } from './problems/error-handler.ts';

interface RequestDependencies {
  readonly config: ServerConfig;
  readonly requests: OpenRequests;
  readonly access: Access;
  readonly rates: RateLimiter;
  readonly shedder: LoadShedder;
  readonly telemetry: Telemetry | null;
  /** Null for a service that is alone. */
  readonly cluster: Cluster | null;
}

interface RouteDependencies extends Pick<RequestDependencies, 'requests' | 'access' | 'rates'> {
  readonly dependencies: ServerDependencies;
}

/** Plugins that a request passes before its route. The OpenAPI document is generated without them. */
export async function addRequestPlugins(app: ServerApp, dependencies: RequestDependencies): Promise<void> {
  for (const plugin of REQUEST_PLUGINS) await app.register(plugin, dependencies);
}

/**
 * Adds the plugins of all routes, including the OpenAPI routes. Must be called before the first route is registered.
 */
export async function addRoutePlugins(app: ServerApp, dependencies: RouteDependencies): Promise<void> {
  for (const plugin of ROUTE_PLUGINS) await app.register(plugin, dependencies);
}

/** Hooks use callbacks where possible, because promises and access to route options slow look-ups down. */
const REQUEST_PLUGINS = [
  definePlugin<RequestDependencies>('browser-guard', [], (app, { config, requests }) => {
    const refuseIfClosing = closeGracefully(app, config, requests);
    const refuseForeign = createBrowserGuard(config);
    app.addHook('onRequest', (request, reply, done) => {
      // connections are tracked in the first hook, because Fastify creates a server for each address of `localhost`
      requests.add(request.raw, reply.raw);
      reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
      refuseIfClosing(reply);
      refuseRepeatedHeaders(request.raw);
      refuseForeign(request);
      done();
    });
  }),
  definePlugin<RequestDependencies>('cors', ['browser-guard'], async (app, { config }) => {
    if (config.corsOrigins.length > 0) await allowOrigins(app, config.corsOrigins);
  }),
  definePlugin<RequestDependencies>('admission', ['browser-guard', 'cors'], (app, { access, rates, shedder }) => {
    shedder.start();
    app.addHook('onClose', async () => shedder.stop());
    app.addHook('onRequest', (request, reply, done) => {
      if (shedder.arrive() && shed(shedder, request, reply)) return;
      const isUnknown = isUnknownApi(request);
      if (rates.countAddress === null && !isUnknown) return done();
      Promise.resolve(rates.countAddress?.(request, reply))
        .then(async () => isUnknown && (await access.admit(request.headers.authorization, 'read')))
        .then(() => done(), done);
    });
  }),
  definePlugin<RequestDependencies>('outages', ['admission'], (app, { cluster, config }) => {
    if (cluster !== null) surviveOutages(app, () => cluster.outage(), config);
  }),
  definePlugin<RequestDependencies>('tracing', ['admission'], (app, { telemetry }) => {
    if (telemetry?.isTracing) traceRequests(app, telemetry);
  }),
  definePlugin<RequestDependencies>('unread-responses', ['browser-guard'], (app, { config, requests }) =>
    closeUnread(app, config, requests),
  ),
  definePlugin<RequestDependencies>('unread-parts', [], refuseUnreadParts),
];

const ROUTE_PLUGINS = [
  definePlugin<RouteDependencies>('json-bodies', [], parseJsonBodies),
  definePlugin<RouteDependencies>('whole-bodies', ['json-bodies'], (app, { requests }) => {
    app.addHook('preValidation', ({ raw }, _reply, done) => {
      requests.refuseOverrun(raw);
      done();
    });
  }),
  definePlugin<RouteDependencies>('negotiation', [], negotiateContent),
  definePlugin<RouteDependencies>('problems', [], (app, { dependencies }) => answerErrors(app, dependencies.config)),
  definePlugin<RouteDependencies>('error-responses', ['problems'], addErrorResponses),
  definePlugin<RouteDependencies>('access', ['problems'], (app, { access, rates }) => guardRoutes(app, access, rates)),
  definePlugin<RouteDependencies>('audit', ['access'], (app, { dependencies }) => recordChanges(app, dependencies)),
  definePlugin<RouteDependencies>('room', ['audit'], (app, { dependencies }) =>
    refuseWithoutRoom(app, dependencies.storage),
  ),
  definePlugin<RouteDependencies>('document', ['error-responses'], describeRoutes),
];

/** A plugin without its own scope: its hooks apply to everything registered after it. */
type Plugin<N extends object> = FastifyPluginAsync<N, RawServerDefault, ZodTypeProvider, FastifyBaseLogger>;

/** Creates a plugin that Fastify refuses to register before the plugins in `after`. */
function definePlugin<N extends object>(
  name: string,
  after: readonly string[],
  add: (app: ServerApp, dependencies: N) => void | Promise<void>,
): Plugin<N> {
  const plugin: Plugin<N> = async (app, dependencies) => add(app, dependencies);
  return fastifyPlugin(plugin, { name, fastify: '5.x', dependencies: [...after] });
}
