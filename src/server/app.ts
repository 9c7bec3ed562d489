/** The HTTP server: hooks that hold for every route, and the routes. */
import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { AppError } from '../lib/errors.ts';
import { createKeyCheck } from './auth.ts';
import { createClientErrorHandler } from './client-errors.ts';
import { closeGracefully } from './closing.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from './config.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { ServerApp } from './fastify-types.ts';
import { addErrorResponses } from './http/route.ts';
import { parseJsonBodies } from './json-body.ts';
import { createMetrics, type ServerMetrics } from './metrics.ts';
import { OpenRequests } from './open-requests.ts';
import { OpenUploads } from './open-uploads.ts';
import { describeRoutes } from './openapi/document.ts';
import { answerErrors, sendError } from './problems/error-handler.ts';
import { PatternLog } from './request-log.ts';
import { addAudienceRoutes } from './routes/audience.ts';
import { addAudienceVersionRoutes } from './routes/audience-versions.ts';
import { addCampaignRoutes } from './routes/campaigns.ts';
import { addDocumentRoutes } from './routes/documents.ts';
import { addEstimateRoutes } from './routes/estimates.ts';
import { addExpansionRoutes } from './routes/expansions.ts';
import { addExplanationRoutes } from './routes/explanation.ts';
import { addFeedbackRoutes } from './routes/feedback.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addInformationRoutes } from './routes/information.ts';
import { addMemberRoutes } from './routes/members.ts';
import { addModelRoutes } from './routes/model.ts';
import { addUserSetRoutes } from './routes/user-sets.ts';
import { addVersionRoutes } from './routes/versions.ts';
import { addWebhookRoutes } from './routes/webhooks.ts';
import { createSlots } from './slots.ts';
import { refuseUnreadParts } from './unread-parts.ts';
import { validatorCompiler } from './validation.ts';

/** A server that is ready for `listen()` or `inject()`; `close()` ends what is in flight within `closeGraceMs`. */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const uploads = new OpenUploads(dependencies.config);
  const requests = new OpenRequests();
  const app = createApp(dependencies.config, dependencies.logger, uploads, requests);
  const metrics = createMetrics(dependencies);
  closeGracefully(app, dependencies.config);
  addHooks(app, dependencies.config, metrics);
  refuseUnreadParts(app);
  await addRoutes(app, dependencies, metrics, uploads, requests);
  await app.ready();
  return app as unknown as FastifyInstance;
}

/** The OpenAPI 3.1 document of the routes, made without a population or a store. */
export async function openApiDocument(): Promise<object> {
  return withDocumentedApp((app) => app.swagger());
}

/** The same document as YAML: what openapi.yaml holds. */
export async function openApiYaml(): Promise<string> {
  return withDocumentedApp((app) => app.swagger({ yaml: true }));
}

async function withDocumentedApp<T>(read: (app: ServerApp) => T): Promise<T> {
  const config = DEFAULT_SERVER_CONFIG;
  const uploads = new OpenUploads(config);
  const requests = new OpenRequests();
  const app = createApp(config, undefined, uploads, requests);
  // No request is ever made to this app: its handlers' dependencies are never touched.
  const dependencies = { config } as ServerDependencies;
  await addRoutes(app, dependencies, {} as ServerMetrics, uploads, requests);
  await app.ready();
  const document = read(app);
  await app.close();
  return document;
}

function createApp(
  config: ServerConfig,
  logger: ServerDependencies['logger'] | undefined,
  uploads: OpenUploads,
  requests: OpenRequests,
): ServerApp {
  const app = Fastify({
    ...(logger === undefined ? {} : { loggerInstance: logger as FastifyBaseLogger }),
    logController: new PatternLog(),
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: config.maximumParamLength },
    return503OnClosing: false,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => sendError(error, request, reply, config),
    clientErrorHandler: createClientErrorHandler(config, uploads, requests),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateReply('problemCode', null);
  // the first hook, and a hook: Fastify listens on `localhost` with a server for each of its addresses
  app.addHook('onRequest', (request, reply, done) => {
    requests.add(request.raw, reply.raw);
    done();
  });
  parseJsonBodies(app);
  return app as unknown as ServerApp;
}

async function addRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  metrics: ServerMetrics,
  uploads: OpenUploads,
  requests: OpenRequests,
): Promise<void> {
  app.addHook('preValidation', async ({ raw }) => requests.refuseOverrun(raw));
  answerErrors(app, dependencies.config);
  addErrorResponses(app);
  await describeRoutes(app);
  addCampaignRoutes(app, dependencies);
  addExpansionRoutes(app, dependencies);
  await addFeedbackRoutes(app, dependencies);
  addEstimateRoutes(app, dependencies);
  const takeStream = createSlots(dependencies.config.maximumOpenStreams, 'streams are open', (open) =>
    metrics.openStreams.set(open),
  );
  addAudienceRoutes(app, dependencies, takeStream);
  addMemberRoutes(app, dependencies);
  addVersionRoutes(app, dependencies);
  addAudienceVersionRoutes(app, dependencies, takeStream);
  addExplanationRoutes(app, dependencies);
  addModelRoutes(app, dependencies);
  await addUserSetRoutes(app, dependencies, { uploads, requests }, takeStream);
  addInformationRoutes(app, dependencies);
  addWebhookRoutes(app, dependencies);
  addHealthRoutes(app, dependencies, metrics);
  await addDocumentRoutes(app);
}

function addHooks(app: ServerApp, { apiKey }: ServerConfig, metrics: ServerMetrics): void {
  const hasKey = apiKey === null ? () => true : createKeyCheck(apiKey);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
    const path = request.routeOptions.url ?? request.url;
    if (path.startsWith('/v1') && !hasKey(request.headers.authorization)) {
      throw new AppError('unauthorized', 'send the API key as Authorization: Bearer <key>');
    }
  });
  app.addHook('onResponse', async (request, reply) => metrics.observe(request, reply));
}

/** The caller's own id where it is short and plain, else a new one. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}
