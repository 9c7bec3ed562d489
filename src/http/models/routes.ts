/** Routes that list model versions, and that choose the version to serve. */
import type { ModelVersion } from '../../service/ports/models.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { modelParams, modelVersion, modelVersions } from './model.ts';

const TAGS = ['information'];

export function addModelVersionRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  listModels(app, dependencies);
  getModel(app, dependencies);
  activateModel(app, dependencies);
  rollbackModel(app, dependencies);
}

function listModels(app: ServerApp, { models }: ServerDependencies): void {
  app.get(
    '/v1/models',
    describeRoute({
      operationId: 'listModels',
      scope: 'read',
      tags: TAGS,
      summary: 'List the versions of the general model: the served version first, then the others, newest first',
      response: { 200: json('A list of model versions.', modelVersions) },
    }),
    async () => ({ items: await models.list() }),
  );
}

function getModel(app: ServerApp, { models }: ServerDependencies): void {
  app.get(
    '/v1/models/:version',
    describeRoute({
      operationId: 'getModel',
      scope: 'read',
      tags: TAGS,
      summary: 'Get a version of the general model, with the state of its check',
      params: modelParams,
      response: { 200: json('The requested version.', modelVersion) },
      errors: ['model_not_found'],
    }),
    async (request) => models.get(request.params.version),
  );
}

function activateModel(app: ServerApp, { models }: ServerDependencies): void {
  app.post(
    '/v1/models/:version/activate',
    describeRoute({
      operationId: 'activateModel',
      scope: 'admin',
      tags: TAGS,
      summary: 'Serve another version of the general model',
      description:
        'Loads the model while the current model is still served, and checks the new model: checksums, golden ' +
        'batch, and whether the model fits the population. Then both models expand the newest campaigns without ' +
        'publishing the results, and the results are compared. If the new model passes, it is served from then ' +
        'on, even after a restart. New expansions use the new model, running expansions finish with the previous ' +
        'model, and audiences stay as they are. The response is sent before the check; the `check` field of the ' +
        'resource at `Location` shows the progress.',
      params: modelParams,
      response: { 202: json('The model, which is being checked or is already served.', modelVersion, ['Location']) },
      errors: ['model_not_found', 'model_rejected'],
    }),
    async (request, reply) => {
      const model = await models.activate(request.params.version);
      return reply.code(202).header('location', pathOf(model)).send(model);
    },
  );
}

function rollbackModel(app: ServerApp, { models }: ServerDependencies): void {
  app.post(
    '/v1/models/:version/rollback',
    describeRoute({
      operationId: 'rollbackModel',
      scope: 'admin',
      tags: TAGS,
      summary: 'Return to the model that was served before this version',
      description:
        'The path names the served version, so a repeated request does not go back twice. The previous model is ' +
        'loaded and verified, but not compared. The response shows the previous model, and the `check` field of ' +
        'the resource at `Location` shows the progress.',
      params: modelParams,
      response: { 202: json('The previous model, which is being checked.', modelVersion, ['Location']) },
      errors: ['model_not_found', 'model_rejected', 'nothing_to_roll_back'],
    }),
    async (request, reply) => {
      const model = await models.rollback(request.params.version);
      return reply.code(202).header('location', pathOf(model)).send(model);
    },
  );
}

const pathOf = ({ version }: ModelVersion) => `/v1/models/${version}`;
