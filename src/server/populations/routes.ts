/** Routes of population versions: which there are, and which of them is served. */
import type { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { VersionSummary } from '../../population/versions.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../http/fastify-types.ts';
import { describeRoute, json } from '../http/route.ts';
import { populationVersionSchema, populationVersionsSchema, versionParams } from './schemas.ts';

/** What these routes call. */
export type PopulationNeeds = Pick<ServerDependencies, 'population' | 'populations' | 'wake'>;

const TAGS = ['information'];

export function addPopulationRoutes(app: ServerApp, dependencies: PopulationNeeds): void {
  listPopulations(app, dependencies);
  activatePopulation(app, dependencies);
}

function listPopulations(app: ServerApp, { population, populations }: PopulationNeeds): void {
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
    async () => ({ items: populations.list().map((one) => present(one, population.version)) }),
  );
}

function activatePopulation(app: ServerApp, { population, populations, wake }: PopulationNeeds): void {
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
          'Activate an earlier version to go back.',
        params: versionParams,
        response: { 200: json('The version, which is served now.', populationVersionSchema) },
        errors: ['population_not_found', 'population_rejected', 'unavailable'],
      }),
    },
    async (request) => {
      const { version } = request.params;
      await populations.activate(version);
      wake();
      const found = populations.list().find((one) => one.version === version);
      if (found === undefined) throw new AppError('population_not_found', `there is no population version ${version}`);
      return present(found, population.version);
    },
  );
}

function present(
  { version, publishedAt, users, knownUsers, bytes }: VersionSummary,
  served: string,
): z.output<typeof populationVersionSchema> {
  return {
    version,
    served: version === served,
    imported_at: new Date(publishedAt).toISOString(),
    users,
    known_users: knownUsers,
    bytes,
  };
}
