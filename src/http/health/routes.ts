/** Routes for liveness, readiness and metrics, and their response schemas. */

import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Access } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { textSchema } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Part } from './readiness.ts';

const liveness = z.object({ status: z.literal('alive') }).meta({ id: 'Liveness', examples: [{ status: 'alive' }] });

export const part = z.object({
  name: z.string().describe('Name of the part: `engine`, `store`, `model`, `population`, `disk` or `descriptors`.'),
  ready: z.boolean().describe('Whether the part works.'),
  degraded: z.boolean().optional().describe('Whether the part does only some of its work, for a limited time.'),
  detail: z.string().describe('Result of the check.'),
});

const readiness = z
  .object({
    status: z
      .enum(['ready', 'degraded'])
      .describe('`degraded` if a node of a cluster answers look-ups only, from memory, and refuses changes.'),
    warm: z
      .boolean()
      .optional()
      .describe(
        "Whether this process's engine has prepared everything for a campaign. If not, the next campaign may take longer.",
      ),
    parts: z.array(part).readonly().optional().describe('Only for callers who may see details.'),
    model_version: z.string().optional().describe('The served model; only for callers who may see details.'),
    population_version: z.string().optional().describe('The served population; only for callers who may see details.'),
  })
  .meta({
    id: 'Readiness',
    examples: [
      {
        status: 'ready',
        warm: true,
        parts: [{ name: 'engine', ready: true, detail: 'running' }],
        model_version: '0123456789ab',
        population_version: 'ba9876543210',
      },
    ],
  });

/** The metrics, and the access control for reading them. */
interface MetricsAccess {
  readonly metrics: ServerMetrics;
  readonly access: Access;
}

const READY_RETRY_SECONDS = 2;

export function addHealthRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  partsOf: () => Promise<readonly Part[]>,
  { metrics, access }: MetricsAccess,
): void {
  getLiveness(app);
  getReadiness(app, dependencies, partsOf, access);
  getMetrics(app, metrics);
}

function getLiveness(app: ServerApp): void {
  app.get(
    '/livez',
    describeRoute({
      config: { quiet: true, class: 'health' },
      operationId: 'getLiveness',
      scope: 'none',
      tags: ['health'],
      summary: 'Check whether the process is alive',
      description: 'Responds as long as the event loop runs. Nothing else is checked.',
      response: { 200: json('The process is alive.', liveness) },
      errors: ['headers_too_large'],
    }),
    async () => ({ status: 'alive' as const }),
  );
}

function getReadiness(
  app: ServerApp,
  dependencies: ServerDependencies,
  partsOf: () => Promise<readonly Part[]>,
  access: Access,
): void {
  app.get(
    '/readyz',
    describeRoute({
      config: { quiet: true, class: 'health' },
      operationId: 'getReadiness',
      scope: 'none',
      tags: ['health'],
      summary: 'Check whether every part of the service is ready',
      description:
        'Checks the engine (ready, with a recent heartbeat), the store (a row is written), the model, the ' +
        'population, free disk space and file descriptors. The store and the descriptors are checked at most ' +
        'once a second. A node of a cluster that cannot reach the database is `degraded` for a minute, during which ' +
        'it answers look-ups, and then no longer ready. Readiness does not wait for `warm`. Only callers who may read ' +
        'metrics see the versions, which part is not ready, and why.',
      response: { 200: json('Every part is ready.', readiness) },
      errors: ['headers_too_large'],
    }),
    async (request) => {
      const parts = await partsOf();
      const waiting = parts.filter(({ ready }) => !ready);
      const status = parts.some(({ degraded }) => degraded) ? ('degraded' as const) : ('ready' as const);
      const { warm } = dependencies.engine().heartbeat ?? {};
      const state = { status, ...(warm !== undefined && { warm }) };
      if (!(await access.seesMetrics(request.headers.authorization))) {
        if (waiting.length === 0) return state;
        throw new AppError('unavailable', 'not ready', { facts: { retry_after: READY_RETRY_SECONDS } });
      }
      if (waiting.length > 0) {
        const list = waiting.map(({ name, detail }) => `${name} (${detail})`).join(', ');
        throw new AppError('unavailable', `not ready: ${list}`, { facts: { parts, retry_after: READY_RETRY_SECONDS } });
      }
      const { model, population } = dependencies.served();
      return { ...state, parts, model_version: model.version, population_version: population.version };
    },
  );
}

function getMetrics(app: ServerApp, metrics: ServerMetrics): void {
  app.get(
    '/metrics',
    describeRoute({
      config: { quiet: true, class: 'health' },
      operationId: 'getMetrics',
      scope: 'metrics',
      tags: ['health'],
      summary: 'Get the metrics for Prometheus',
      response: {
        200: { description: 'The metrics as Prometheus text.', content: { 'text/plain': { schema: textSchema } } },
      },
      errors: ['headers_too_large'],
    }),
    async (_request, reply) => {
      const { contentType, text } = await metrics.render();
      return reply.type(contentType).send(text);
    },
  );
}
