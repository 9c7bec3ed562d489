/** Routes for operators: alive, ready, metrics. */
import { AppError, messageOf } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Access } from '../http/access.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { textSchema } from '../http/fields.ts';
import { describeRoute, json } from '../http/route.ts';
import type { ServerMetrics } from './metrics.ts';
import { livenessSchema, readinessSchema } from './schemas.ts';

/** What these routes call. */
export type HealthNeeds = Pick<ServerDependencies, 'engine' | 'storage' | 'modelVersion' | 'population'> & {
  readonly store: Pick<ServerDependencies['store'], 'oldestQueuedSeconds'>;
};

interface Part {
  readonly name: string;
  readonly ready: boolean;
  readonly detail: string;
}

const READY_RETRY_SECONDS = 2;

export function addHealthRoutes(
  app: ServerApp,
  dependencies: HealthNeeds,
  metrics: ServerMetrics,
  access: Access,
): void {
  getLiveness(app);
  getReadiness(app, dependencies, access);
  getMetrics(app, metrics);
}

function getLiveness(app: ServerApp): void {
  app.get(
    '/livez',
    {
      config: { quiet: true, class: 'health' },
      schema: describeRoute({
        operationId: 'getLiveness',
        scope: 'none',
        tags: ['health'],
        summary: 'Is the process alive?',
        response: {
          200: json('Yes.', livenessSchema),
        },
        errors: ['headers_too_large'],
      }),
    },
    async () => ({ status: 'alive' as const }),
  );
}

function getReadiness(app: ServerApp, dependencies: HealthNeeds, access: Access): void {
  app.get(
    '/readyz',
    {
      config: { quiet: true, class: 'health' },
      schema: describeRoute({
        operationId: 'getReadiness',
        scope: 'none',
        tags: ['health'],
        summary: 'Is every part ready to work?',
        description: 'Which part is not, and the versions, are told to those who may read metrics.',
        response: {
          200: json('Yes.', readinessSchema),
        },
        errors: ['headers_too_large'],
      }),
    },
    async (request) => {
      const parts = partsOf(dependencies);
      const waiting = parts.filter(({ ready }) => !ready);
      if (!access.seesMetrics(request.headers.authorization)) {
        if (waiting.length === 0) return { status: 'ready' as const };
        throw new AppError('unavailable', 'not ready', { facts: { retry_after: READY_RETRY_SECONDS } });
      }
      if (waiting.length > 0) {
        const list = waiting.map(({ name, detail }) => `${name} (${detail})`).join(', ');
        throw new AppError('unavailable', `not ready: ${list}`, { facts: { parts, retry_after: READY_RETRY_SECONDS } });
      }
      const { modelVersion, population } = dependencies;
      return { status: 'ready' as const, parts, model_version: modelVersion, population_version: population.version };
    },
  );
}

function getMetrics(app: ServerApp, metrics: ServerMetrics): void {
  app.get(
    '/metrics',
    {
      config: { quiet: true, class: 'health' },
      schema: describeRoute({
        operationId: 'getMetrics',
        scope: 'metrics',
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        response: {
          200: { description: 'Prometheus text.', content: { 'text/plain': { schema: textSchema } } },
        },
        errors: ['headers_too_large'],
      }),
    },
    async (_request, reply) => {
      const { contentType, text } = await metrics.render();
      return reply.type(contentType).send(text);
    },
  );
}

function partsOf({ store, storage, population, engine }: HealthNeeds): Part[] {
  const { ready, detail } = engine();
  return [
    { name: 'engine', ready, detail },
    { name: 'store', ...storeStatus(store) },
    { name: 'disk', ...diskStatus(storage) },
    { name: 'population', ready: true, detail: `version ${population.version}, ${population.rowCount} users` },
  ];
}

function storeStatus(store: HealthNeeds['store']): Omit<Part, 'name'> {
  try {
    return { ready: true, detail: `oldest queued expansion ${Math.round(store.oldestQueuedSeconds())} s` };
  } catch (error) {
    return { ready: false, detail: messageOf(error) };
  }
}

function diskStatus(storage: HealthNeeds['storage']): Omit<Part, 'name'> {
  try {
    const { freeBytes, reserveBytes, isLow } = storage.disk();
    const free = `${freeBytes} bytes free`;
    if (!isLow) return { ready: true, detail: free };
    return { ready: false, detail: `read-only: ${free}, below the reserve of ${reserveBytes}` };
  } catch (error) {
    return { ready: false, detail: messageOf(error) };
  }
}
