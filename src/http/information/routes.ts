/** Routes that return the limits, the served model, the served population, and the known values of features. */
import { labelledCategories } from '../../domain/special-categories.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { presentIdentifiers } from '../populations/population.ts';
import { pageOfValues } from './feature-values.ts';
import {
  countedValuePage,
  currentModel,
  currentPopulation,
  featureParams,
  limits,
  valuePage,
  valueQuery,
} from './information.ts';
import { presentLimits } from './published-limits.ts';

const READ = { scope: 'read' as const, labels: 'heeded' as const, tags: ['information'] };

export function addInformationRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  listLimits(app, dependencies);
  getCurrentModel(app, dependencies);
  listModelFeatureValues(app, dependencies);
  getCurrentPopulation(app, dependencies);
  listPopulationFeatureValues(app, dependencies);
}

function listLimits(app: ServerApp, { config }: ServerDependencies): void {
  app.get(
    '/v1/limits',
    describeRoute({
      operationId: 'listLimits',
      ...READ,
      summary: 'List limits of the service',
      response: { 200: json('Limits of the service.', limits) },
      stored: false,
    }),
    async () => ({ items: presentLimits(config) }),
  );
}

function getCurrentModel(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  app.get(
    '/v1/models/current',
    describeRoute({
      operationId: 'getCurrentModel',
      ...READ,
      summary: 'Get the served model and its campaign features',
      response: { 200: json('The served model.', currentModel) },
      stored: false,
    }),
    async () => {
      const { version, facts, campaignFeatures } = dependencies.served().model;
      return {
        name: facts.name,
        version,
        created_at: facts.createdAt,
        minimum_seeds: config.minimumSeeds,
        features: campaignFeatures.map(({ name, kind, maxLength, values }) => ({
          name,
          kind,
          max_length: maxLength ?? null,
          known_values: values.size - 1,
          values: `/v1/models/current/features/${encodeURIComponent(name)}/values`,
        })),
        adaptation: facts.adaptation,
        evaluation: facts.evaluation,
      };
    },
  );
}

function listModelFeatureValues(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  app.get(
    '/v1/models/current/features/:name/values',
    describeRoute({
      operationId: 'listModelFeatureValues',
      ...READ,
      summary: 'List the known values of a campaign feature',
      params: featureParams,
      querystring: valueQuery(config),
      response: { 200: json('A page of the list.', valuePage) },
      errors: ['invalid_cursor', 'feature_not_found'],
      stored: false,
    }),
    async (request) => {
      const { name } = request.params;
      const { version, campaignFeatures } = dependencies.served().model;
      const feature = findFeature(campaignFeatures, name, 'the model has no such campaign feature');
      const scope = `model ${version} ${name}`;
      return pageOfValues(feature.values, scope, asQuery(request.query), config.maximumValueScan, (value) => value);
    },
  );
}

function getCurrentPopulation(app: ServerApp, dependencies: ServerDependencies): void {
  const { population } = dependencies;
  app.get(
    '/v1/populations/current',
    describeRoute({
      operationId: 'getCurrentPopulation',
      ...READ,
      summary: 'Get the served population, its identifiers and its user features',
      response: { 200: json('The served population.', currentPopulation) },
    }),
    async () => ({
      version: population.version,
      users: population.rowCount,
      imported_at: dependencies.populations.importedAt(),
      labelled_categories: labelledCategories(population),
      identifiers: presentIdentifiers(population.identifierCounts),
      features: population.features.map(({ name, kind, sensitive, excludedFor = [] }) => ({
        name,
        kind,
        sensitive: sensitive === true,
        excluded_for: excludedFor,
        known_values: population.dictionary(name).size - 1,
        values: `/v1/populations/current/features/${encodeURIComponent(name)}/values`,
      })),
    }),
  );
}

function listPopulationFeatureValues(app: ServerApp, { config, population, populations }: ServerDependencies): void {
  app.get(
    '/v1/populations/current/features/:name/values',
    describeRoute({
      operationId: 'listPopulationFeatureValues',
      ...READ,
      summary: 'List the values of a user feature',
      description:
        'Lists all values that were ever imported. Each value comes with the number of users in the served ' +
        'version who have it, which may be 0.',
      params: featureParams,
      querystring: valueQuery(config),
      response: { 200: json('A page of the list.', countedValuePage) },
      errors: ['invalid_cursor', 'feature_not_found'],
    }),
    async (request) => {
      const { name } = request.params;
      findFeature(population.features, name, 'the population has no such feature');
      const values = population.dictionary(name);
      const users = await populations.countValues(name);
      return pageOfValues(
        values,
        `population ${name}`,
        asQuery(request.query),
        config.maximumValueScan,
        (value, code) => ({ value, users: users[code] ?? 0 }),
      );
    },
  );
}

function findFeature<T extends { readonly name: string }>(features: readonly T[], name: string, message: string): T {
  const found = features.find((feature) => feature.name === name);
  if (found !== undefined) return found;
  throw new AppError('feature_not_found', message, { facts: { known_features: features.map((one) => one.name) } });
}

interface Query {
  readonly prefix?: string | undefined;
  readonly search?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

function asQuery({ prefix, search, limit, cursor }: Query) {
  return { prefix, search, limit, cursor };
}
