/** Routes of population versions: which there are, and which of them is served. */
import type { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { VersionSummary } from '../../population/versions/versions.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { sampleUsers } from './sample.ts';
import {
  changesQuery,
  populationChangesSchema,
  populationDetailSchema,
  populationSampleSchema,
  populationVersionSchema,
  populationVersionsSchema,
  sampleQuery,
  versionParams,
} from './schemas.ts';

/** What these routes call. */
export type PopulationNeeds = Pick<ServerDependencies, 'config' | 'populations' | 'served' | 'wake'>;

const TAGS = ['information'];

export function addPopulationRoutes(app: ServerApp, dependencies: PopulationNeeds): void {
  listPopulations(app, dependencies);
  getPopulation(app, dependencies);
  getPopulationChanges(app, dependencies);
  samplePopulation(app, dependencies);
  activatePopulation(app, dependencies);
}

function listPopulations(app: ServerApp, { populations, served }: PopulationNeeds): void {
  app.get(
    '/v1/populations',
    {
      schema: describeRoute({
        operationId: 'listPopulations',
        scope: 'read',
        labels: 'heeded',
        tags: TAGS,
        summary: 'List the versions of the population, the newest first',
        response: { 200: json('The versions.', populationVersionsSchema) },
      }),
    },
    async () => ({ items: populations.list().map((one) => present(one, served().population.version)) }),
  );
}

function getPopulation(app: ServerApp, { populations, served }: PopulationNeeds): void {
  app.get(
    '/v1/populations/:version',
    {
      schema: describeRoute({
        operationId: 'getPopulation',
        scope: 'read',
        labels: 'heeded',
        tags: TAGS,
        summary: 'Get a version of the population: who has which feature, and what the served model does not know',
        description: 'The first request for a version reads all of it, which takes seconds for millions of users.',
        params: versionParams,
        response: { 200: json('The version.', populationDetailSchema) },
        errors: ['population_not_found'],
      }),
    },
    async (request) => {
      const { version } = request.params;
      const coverage = await populations.coverage(version);
      const found = findVersion(populations, version);
      return {
        ...present(found, served().population.version),
        features: coverage.map(({ name, users, values, unknownValues, unknownShare }) => {
          const feature = found.features.find((one) => one.name === name)!;
          return {
            ...{ name, kind: feature.kind, sensitive: feature.sensitive === true, users, values },
            ...{ unknown_values: unknownValues, unknown_share: unknownShare },
          };
        }),
      };
    },
  );
}

function getPopulationChanges(app: ServerApp, { populations }: PopulationNeeds): void {
  app.get(
    '/v1/populations/:version/changes',
    {
      schema: describeRoute({
        operationId: 'getPopulationChanges',
        scope: 'read',
        labels: 'heeded',
        tags: TAGS,
        summary: 'Compare two versions of the population: who came, who went, whose features changed',
        description: 'The first request for two versions reads both, which takes seconds for millions of users.',
        params: versionParams,
        querystring: changesQuery,
        response: { 200: json('What changed.', populationChangesSchema) },
        errors: ['population_not_found'],
      }),
    },
    async (request) => {
      const { version } = request.params;
      const { since } = request.query;
      const { added, removed, kept, changed, ...features } = await populations.changes(since, version);
      return {
        ...{ version, since, added, removed, kept, changed },
        features: Array.from(features.changedByFeature, ([name, users]) => ({ name, changed: users })),
        added_features: [...features.addedFeatures],
        removed_features: [...features.removedFeatures],
      };
    },
  );
}

function samplePopulation(app: ServerApp, { config, served }: PopulationNeeds): void {
  app.get(
    '/v1/populations/current/sample',
    {
      config: { class: 'computed' },
      schema: describeRoute({
        operationId: 'samplePopulation',
        scope: 'read',
        labels: 'heeded',
        tags: TAGS,
        summary: 'Get the ids of a few users of the served population',
        description:
          'To try the service out without a list of your own. With `feature` and `value`, only users who have that ' +
          'value. The first ones that were imported, so the same ones each time: not a random sample.',
        querystring: sampleQuery(config),
        response: { 200: json('The users.', populationSampleSchema) },
        errors: ['feature_not_found'],
      }),
    },
    async (request) => {
      const { size, feature, value } = request.query;
      const { population } = served();
      if (feature !== undefined && population.features.every(({ name }) => name !== feature)) {
        const known_features = population.features.map(({ name }) => name);
        throw new AppError('feature_not_found', 'the population has no such feature', { facts: { known_features } });
      }
      const wanted = feature === undefined || value === undefined ? null : { feature, value };
      return { population_version: population.version, user_ids: await sampleUsers(population, size, wanted) };
    },
  );
}

function activatePopulation(app: ServerApp, { populations, served, wake }: PopulationNeeds): void {
  app.post(
    '/v1/populations/:version/activate',
    {
      schema: describeRoute({
        operationId: 'activatePopulation',
        scope: 'admin',
        tags: TAGS,
        summary: 'Serve another version of the population',
        description:
          'Checks the files of the version and that it has what the served model needs, then serves it, also after ' +
          'a restart. Other requests are answered meanwhile. New expansions use it, running ones end with theirs; ' +
          'audiences stay as they are. Campaigns whose refresh policy says `on_new_population` are expanded again. ' +
          'Activate an earlier version to go back; the next update builds on the newest one all the same, and is served ' +
          'when it is done by a service that follows the population.',
        params: versionParams,
        response: { 200: json('The version, which is served now.', populationVersionSchema) },
        errors: ['population_not_found', 'population_rejected', 'unavailable'],
      }),
    },
    async (request) => {
      const { version } = request.params;
      await populations.activate(version);
      wake();
      return present(findVersion(populations, version), served().population.version);
    },
  );
}

/** @throws AppError population_not_found */
function findVersion(populations: PopulationNeeds['populations'], version: string): VersionSummary {
  const found = populations.list().find((one) => one.version === version);
  if (found === undefined) throw new AppError('population_not_found', `there is no population version ${version}`);
  return found;
}

function present(
  { version, isNewest, publishedAt, users, knownUsers, bytes }: VersionSummary,
  served: string,
): z.output<typeof populationVersionSchema> {
  return {
    version,
    served: version === served,
    newest: isNewest,
    imported_at: new Date(publishedAt).toISOString(),
    users,
    known_users: knownUsers,
    bytes,
  };
}
