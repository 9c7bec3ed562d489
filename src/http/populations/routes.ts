/** Routes that list and compare population versions, and that choose the version to serve. */
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import {
  changesQuery,
  populationChanges,
  populationDetail,
  populationSample,
  populationVersion,
  populationVersions,
  presentIdentifiers,
  type ShownVersion,
  sampleQuery,
  versionParams,
} from './population.ts';

const TAGS = ['information'];
const READ = { scope: 'read' as const, labels: 'heeded' as const, tags: TAGS };

export function addPopulationRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  listPopulations(app, dependencies);
  getPopulation(app, dependencies);
  getPopulationChanges(app, dependencies);
  samplePopulation(app, dependencies);
  activatePopulation(app, dependencies);
}

function listPopulations(app: ServerApp, { populations, served }: ServerDependencies): void {
  app.get(
    '/v1/populations',
    describeRoute({
      operationId: 'listPopulations',
      ...READ,
      summary: 'List the versions of the population, newest first',
      response: { 200: json('A list of population versions.', populationVersions) },
    }),
    async () => ({ items: listVersions(populations, served().population.version) }),
  );
}

function getPopulation(app: ServerApp, { populations, served }: ServerDependencies): void {
  app.get(
    '/v1/populations/:version',
    describeRoute({
      operationId: 'getPopulation',
      ...READ,
      summary: 'Get a version of the population, with its identifiers and the coverage of its features',
      description:
        'Shows for each feature how many users have a value, and how many values the served model does not ' +
        'know. The first request for a version reads the whole version, which takes seconds for millions of ' +
        'users.',
      params: versionParams,
      response: { 200: json('The requested version.', populationDetail) },
      errors: ['population_not_found'],
    }),
    async (request) => {
      const { version } = request.params;
      const coverage = await populations.coverage(version);
      const { features, identifiers, ...found } = findVersion(populations, version, served().population.version);
      return {
        ...found,
        identifiers: presentIdentifiers(identifiers),
        features: coverage.map((one) => {
          const { kind, sensitive } = features.find(({ name }) => name === one.name)!;
          return { ...one, kind, sensitive: sensitive === true };
        }),
      };
    },
  );
}

function getPopulationChanges(app: ServerApp, { populations }: ServerDependencies): void {
  app.get(
    '/v1/populations/:version/changes',
    describeRoute({
      operationId: 'getPopulationChanges',
      ...READ,
      summary: 'Get the differences between two versions of the population',
      description:
        'Counts users who were added or removed, and users whose features changed. The first request for two ' +
        'versions reads both versions, which takes seconds for millions of users.',
      params: versionParams,
      querystring: changesQuery,
      response: { 200: json('Numbers of added, removed, kept and changed users.', populationChanges) },
      errors: ['population_not_found'],
    }),
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

function samplePopulation(app: ServerApp, { config, populations, served }: ServerDependencies): void {
  app.get(
    '/v1/populations/current/sample',
    describeRoute({
      config: { class: 'computed' },
      operationId: 'samplePopulation',
      ...READ,
      summary: 'List the ids of a few users of the served population',
      description:
        'Returns user ids with which you can try out the service. If `feature` and `value` are given, only ' +
        'users who have this value are returned. The sample is not random: it always contains the first ' +
        'users that were imported.',
      querystring: sampleQuery(config),
      response: { 200: json('Ids of users in the sample.', populationSample) },
      errors: ['feature_not_found'],
    }),
    async (request) => {
      const { size, feature, value } = request.query;
      const { population } = served();
      if (feature !== undefined && population.features.every(({ name }) => name !== feature)) {
        const known_features = population.features.map(({ name }) => name);
        throw new AppError('feature_not_found', 'the population has no such feature', { facts: { known_features } });
      }
      const wanted = feature === undefined || value === undefined ? null : { feature, value };
      return {
        population_version: population.version,
        user_ids: [...(await populations.sample(population, size, wanted))],
      };
    },
  );
}

function activatePopulation(app: ServerApp, { populations, served, wake }: ServerDependencies): void {
  app.post(
    '/v1/populations/:version/activate',
    describeRoute({
      operationId: 'activatePopulation',
      scope: 'admin',
      tags: TAGS,
      summary: 'Serve another version of the population',
      description:
        'Checks the files of the version, and whether the version has the features that the served model ' +
        'needs. The version is then served, even after a restart. Other requests are answered during the ' +
        'check. New expansions use the new version, running expansions finish with the previous version, and ' +
        'audiences stay as they are. Campaigns whose refresh policy has `on_new_population` are expanded ' +
        'again. To go back, activate an earlier version. The next update still builds on the newest version, ' +
        'and a service that follows the population then serves the update.',
      params: versionParams,
      response: { 200: json('The version of the population, which is now served.', populationVersion) },
      errors: ['population_not_found', 'population_rejected'],
    }),
    async (request) => {
      const { version } = request.params;
      await populations.activate(version);
      wake();
      return findVersion(populations, version, served().population.version);
    },
  );
}

type Versions = Pick<ServerDependencies['populations'], 'list'>;
type Listed = ShownVersion & Pick<ReturnType<Versions['list']>[number], 'features' | 'identifiers'>;

function listVersions(populations: Versions, served: string): Listed[] {
  return populations.list().map((one) => ({ ...one, isServed: one.version === served }));
}

/** @throws AppError population_not_found */
function findVersion(populations: Versions, version: string, served: string): Listed {
  const found = listVersions(populations, served).find((one) => one.version === version);
  if (found === undefined) throw new AppError('population_not_found', `there is no population version ${version}`);
  return found;
}
