/** Creates the HTTP server, with its plugins and routes. */
import { randomUUID } from 'node:crypto';
import Fastify, {
  type FastifyBaseLogger,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { trustedProxyCheck } from '../lib/trusted-proxies.ts';
import { addVersionRoutes } from './audiences/change-routes.ts';
import { addModelRoutes } from './audiences/customised-model.ts';
import { addExplanationRoutes } from './audiences/explanation.ts';
import { addFeedbackOutcome } from './audiences/feedback-outcome.ts';
import { addLiftRoutes } from './audiences/lift.ts';
import { addMemberRoutes } from './audiences/membership-routes.ts';
import { addOverlapRoutes } from './audiences/overlap.ts';
import { addQualityRoutes } from './audiences/quality.ts';
import { addAudienceRoutes } from './audiences/read-routes.ts';
import { addReceiptRoutes } from './audiences/receipt.ts';
import { StreamSlots } from './audiences/stream/stream-slots.ts';
import { addAudienceVersionRoutes } from './audiences/version-routes.ts';
import { addAuditRoutes } from './audit/routes.ts';
import { addConversionRoutes, addFeedbackRoutes } from './campaigns/feedback.ts';
import { addCampaignRoutes } from './campaigns/routes.ts';
import { addClockRoutes } from './clock/routes.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from './config.ts';
import { addConsoleRoutes } from './console/routes.ts';
import { addDeletionRoutes } from './deletion/routes.ts';
import type { ServerDependencies } from './dependencies.ts';
import { addDestinationRoutes } from './destinations/routes.ts';
import { addEstimateRoutes } from './estimates/routes.ts';
import { addExpansionRoutes } from './expansions/routes.ts';
import { createMetrics, type ServerMetrics } from './health/metrics.ts';
import { createReadiness } from './health/readiness.ts';
import { addHealthRoutes } from './health/routes.ts';
import { addInformationRoutes } from './information/routes.ts';
import { addKeyRoutes } from './keys/routes.ts';
import { addMcpRoutes } from './mcp/routes.ts';
import { addModelVersionRoutes } from './models/routes.ts';
import { addDocumentRoutes } from './openapi/routes.ts';
import { Access } from './plugins/access/access.ts';
import { createRateLimiter, NO_RATE_LIMITS, type RateLimiter } from './plugins/access/rate-limit.ts';
import { addPacking } from './plugins/compression.ts';
import { createClientErrorHandler } from './plugins/connections/client-errors.ts';
import { createServers } from './plugins/connections/connections.ts';
import { LoadShedder } from './plugins/connections/load-shedder.ts';
import { OpenRequests } from './plugins/connections/open-requests.ts';
import type { ServerApp, ZodTypeProvider } from './plugins/fastify-types.ts';
import { serializerCompiler, validatorCompiler } from './plugins/json/validation.ts';
import { LazyLogger } from './plugins/lazy-logger.ts';
import { createQueryParser } from './plugins/query-strings.ts';
import { type Answered, PatternLog } from './plugins/request-log.ts';
import { addRequestPlugins, addRoutePlugins } from './plugins.ts';
import { addPopulationRoutes } from './populations/routes.ts';
import { sendError } from './problems/error-handler.ts';
import { addStatusRoutes, LastErrors, type Observed } from './status/routes.ts';
import { OpenUploads } from './user-sets/open-uploads.ts';
import { addUserSetRoutes } from './user-sets/routes.ts';
import { addUserRoutes } from './users/routes.ts';
import { addWebhookRoutes } from './webhooks/routes.ts';

/**
 * Creates a server that is ready for `listen()` or `inject()`. Its `close()` ends requests in flight within
 * `closeGraceMs`.
 */
export async function buildServer(dependencies: ServerDependencies): Promise<ServerApp> {
  const uploads = new OpenUploads(dependencies.config);
  const requests = new OpenRequests();
  const { clock, config, telemetry } = dependencies;
  const observed = {
    partsOf: createReadiness(dependencies),
    errors: new LastErrors(clock),
    started: { at: clock.now(), elapsed: clock.elapsed() },
  };
  const shedder = createShedder(dependencies);
  const metrics = createMetrics(dependencies, observed.partsOf, shedder);
  const observe = (answered: Answered) => {
    metrics.observe(answered);
    observed.errors.note(answered);
    if (answered.code === 'invalid_population') dependencies.storage.suspectPopulation();
  };
  const app = createApp(config, { logger: dependencies.logger, observe }, uploads, requests);
  const access = new Access(dependencies);
  const { cluster } = dependencies.store;
  const rates = await createRateLimiter(app, config, clock, cluster?.counts ?? null);
  await addRequestPlugins(app, { config, requests, access, rates, shedder, telemetry, cluster });
  const endMetrics = telemetry?.exportMetrics(metrics.families);
  if (endMetrics) app.addHook('onClose', endMetrics);
  await addRoutes(app, dependencies, { metrics, ...observed }, { uploads, requests, access, rates });
  await app.ready();
  return app;
}

/** Returns the OpenAPI 3.1 document of the routes. Needs neither a population nor a store. */
export async function openApiDocument(): Promise<object> {
  return withDocumentedApp((app) => app.swagger());
}

/** Returns the OpenAPI document as YAML: the contents of openapi.yaml. */
export async function openApiYaml(): Promise<string> {
  return withDocumentedApp((app) => app.swagger({ yaml: true }));
}

async function withDocumentedApp<T>(read: (app: ServerApp) => T): Promise<T> {
  const config = DEFAULT_SERVER_CONFIG;
  const uploads = new OpenUploads(config);
  const requests = new OpenRequests();
  const app = createApp(config, {}, uploads, requests);
  const dependencies = unserved(config);
  const started = { at: 0, elapsed: 0 };
  const seen = { metrics: unusable<ServerMetrics>(), partsOf: refuseUse, errors: unusable<LastErrors>(), started };
  await addRoutes(app, dependencies, seen, {
    uploads,
    requests,
    access: new Access(dependencies),
    rates: NO_RATE_LIMITS,
  });
  await app.ready();
  const document = read(app);
  await app.close();
  return document;
}

/**
 * Placeholder dependencies for routes that never receive a request. Handlers may hold them, but calling one or reading
 * any of its properties is a bug and throws an error.
 */
function unserved(config: ServerConfig): ServerDependencies {
  const known = { config, shared: null, telemetry: null };
  return new Proxy(known, {
    get: (_, name) => (name in known ? Reflect.get(known, name) : unusable()),
  }) as ServerDependencies;
}

function unusable<T>(): T {
  return new Proxy(refuseUse, { get: refuseUse }) as T;
}

function refuseUse(): never {
  throw new Error('placeholder dependencies cannot handle requests');
}

function createApp(
  config: ServerConfig,
  { logger, observe = () => {} }: { logger?: ServerDependencies['logger']; observe?: ServerMetrics['observe'] },
  uploads: OpenUploads,
  requests: OpenRequests,
): ServerApp {
  const app = Fastify<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger>({
    ...(logger === undefined ? {} : { loggerInstance: logger as FastifyBaseLogger }),
    logController: new PatternLog(observe),
    childLoggerFactory: (parent, bindings) => new LazyLogger(parent, bindings),
    bodyLimit: config.bodyLimitBytes,
    trustProxy: trustedProxyCheck(config.trustedProxies),
    serverFactory: createServers(config, (connections) =>
      logger?.warn(
        { connections, most: config.maximumConnections },
        'connections were refused because the maximum number of connections is open',
      ),
    ),
    routerOptions: { maxParamLength: config.maximumParamLength, querystringParser: createQueryParser() },
    return503OnClosing: false,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => sendError(error, request, reply, config),
    clientErrorHandler: createClientErrorHandler(config, uploads, requests),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateReply('problemCode', null);
  app.decorateReply('isShed', false);
  return app;
}

async function addRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  { metrics, ...observed }: Observed & { readonly metrics: ServerMetrics },
  { uploads, requests, access, rates }: SharedDependencies,
): Promise<void> {
  await addRoutePlugins(app, { dependencies, requests, access, rates });
  addCampaignRoutes(app, dependencies);
  addExpansionRoutes(app, dependencies);
  await addFeedbackRoutes(app, dependencies);
  await addConversionRoutes(app, dependencies);
  addEstimateRoutes(app, dependencies);
  const { config, clock } = dependencies;
  const streams = new StreamSlots(
    config,
    () => clock.elapsed(),
    (open) => metrics.openStreams.set(open),
  );
  await addPacking(app, (scope) => addAudienceRoutes(scope, dependencies, streams));
  addMemberRoutes(app, dependencies);
  addFeedbackOutcome(app, dependencies);
  addVersionRoutes(app, dependencies);
  addQualityRoutes(app, dependencies);
  addLiftRoutes(app, dependencies);
  addAudienceVersionRoutes(app, dependencies, streams);
  addOverlapRoutes(app, dependencies, streams);
  addExplanationRoutes(app, dependencies);
  addModelRoutes(app, dependencies);
  addReceiptRoutes(app, dependencies);
  await addUserSetRoutes(app, dependencies, { uploads, requests }, streams);
  addInformationRoutes(app, dependencies);
  addModelVersionRoutes(app, dependencies);
  addPopulationRoutes(app, dependencies);
  addUserRoutes(app, dependencies);
  addDeletionRoutes(app, dependencies);
  addWebhookRoutes(app, dependencies);
  addDestinationRoutes(app, dependencies);
  addKeyRoutes(app, dependencies);
  addAuditRoutes(app, dependencies);
  addHealthRoutes(app, dependencies, observed.partsOf, { metrics, access });
  addStatusRoutes(app, dependencies, observed);
  addClockRoutes(app, dependencies);
  addMcpRoutes(app, dependencies, access);
  await addDocumentRoutes(app);
  await addConsoleRoutes(app);
}

/** Parts of the server that several routes share. */
interface SharedDependencies {
  readonly uploads: OpenUploads;
  readonly requests: OpenRequests;
  readonly access: Access;
  readonly rates: RateLimiter;
}

function createShedder({ config, clock, logger }: ServerDependencies): LoadShedder {
  return new LoadShedder(config, clock, (requests) =>
    logger.warn({ requests }, 'requests were refused because more arrive than can be handled'),
  );
}

/** The request id that the caller sent if it is valid, otherwise a new id. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}
