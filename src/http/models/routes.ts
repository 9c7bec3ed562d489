/** Routes of model versions: which there are, and which of them is served. */
import type { z } from 'zod';
import type { ModelCheck, ModelVersion, PredictedQuality } from '../../service/ports/models.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { modelParams, modelVersionSchema, modelVersionsSchema } from './schemas.ts';

/** What these routes call. */
export type ModelVersionNeeds = Pick<ServerDependencies, 'models'>;

const TAGS = ['information'];

export function addModelVersionRoutes(app: ServerApp, dependencies: ModelVersionNeeds): void {
  listModels(app, dependencies);
  getModel(app, dependencies);
  activateModel(app, dependencies);
  rollbackModel(app, dependencies);
}

function listModels(app: ServerApp, { models }: ModelVersionNeeds): void {
  app.get(
    '/v1/models',
    {
      schema: describeRoute({
        operationId: 'listModels',
        scope: 'read',
        tags: TAGS,
        summary: 'List the versions of the general model: the served one, then the newest',
        response: { 200: json('The versions.', modelVersionsSchema) },
      }),
    },
    async () => ({ items: models.list().map(present) }),
  );
}

function getModel(app: ServerApp, { models }: ModelVersionNeeds): void {
  app.get(
    '/v1/models/:version',
    {
      schema: describeRoute({
        operationId: 'getModel',
        scope: 'read',
        tags: TAGS,
        summary: 'Get a version of the general model, and how its activation goes',
        params: modelParams,
        response: { 200: json('The version.', modelVersionSchema) },
        errors: ['model_not_found'],
      }),
    },
    async (request) => present(models.get(request.params.version)),
  );
}

function activateModel(app: ServerApp, { models }: ModelVersionNeeds): void {
  app.post(
    '/v1/models/:version/activate',
    {
      schema: describeRoute({
        operationId: 'activateModel',
        scope: 'admin',
        tags: TAGS,
        summary: 'Serve another version of the general model',
        description:
          'Loads the model beside the served one and checks it: checksums, golden batch, whether it fits the ' +
          'population. Then both expand the newest campaigns, without publishing anything, and are compared. Unless ' +
          'it is refused, it is served from then on, also after a restart: new expansions use it, running ones end ' +
          'with theirs, audiences stay as they are. The response comes before the check; `Location` shows ' +
          'how it goes (`check`).',
        params: modelParams,
        response: { 202: json('It is being checked, or is served already.', modelVersionSchema, ['Location']) },
        errors: ['model_not_found', 'model_rejected'],
      }),
    },
    async (request, reply) => {
      const model = models.activate(request.params.version);
      return reply.code(202).header('location', pathOf(model)).send(present(model));
    },
  );
}

function rollbackModel(app: ServerApp, { models }: ModelVersionNeeds): void {
  app.post(
    '/v1/models/:version/rollback',
    {
      schema: describeRoute({
        operationId: 'rollbackModel',
        scope: 'admin',
        tags: TAGS,
        summary: 'Leave the served version of the general model for the one before it',
        description:
          'The path names the version to leave, so that a repeated request does not go back twice. The model before ' +
          'it is loaded and verified, but compared with nothing. The response shows that one, and `Location` how it ' +
          'goes.',
        params: modelParams,
        response: { 202: json('The version before, which is being checked.', modelVersionSchema, ['Location']) },
        errors: ['model_not_found', 'model_rejected', 'nothing_to_roll_back'],
      }),
    },
    async (request, reply) => {
      const model = models.rollback(request.params.version);
      return reply.code(202).header('location', pathOf(model)).send(present(model));
    },
  );
}

const pathOf = ({ version }: ModelVersion) => `/v1/models/${version}`;

function present(model: ModelVersion): z.output<typeof modelVersionSchema> {
  const { version, name, isServed, createdAt, publishedAt, bytes, check } = model;
  return {
    version,
    name,
    served: isServed,
    created_at: createdAt,
    published_at: new Date(publishedAt).toISOString(),
    bytes,
    check: check && presentCheck(check),
  };
}

function presentCheck(check: ModelCheck): NonNullable<z.output<typeof modelVersionSchema>['check']> {
  return {
    kind: check.kind,
    state: check.state,
    from_version: check.fromVersion,
    population_version: check.populationVersion,
    started_at: check.startedAt,
    ended_at: check.endedAt,
    reason: check.reason,
    comparisons: check.comparisons.map(({ campaignId, seeds, scored, overlap, served, fresh }) => ({
      campaign_id: campaignId,
      seeds,
      scored,
      overlap,
      served: presentQuality(served),
      fresh: presentQuality(fresh),
    })),
  };
}

const presentQuality = ({ verdict, auc, recall }: PredictedQuality) => ({ verdict, auc, recall_at_5_percent: recall });
