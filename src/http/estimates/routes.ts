/** The route that estimates the quality of an audience from a campaign's inputs, without storing anything. */

import { setImmediate } from 'node:timers/promises';
import type { CountedUsers, EstimatedSeed } from '../../domain/estimates.ts';
import { refuseUnknownFilters } from '../../domain/filters.ts';
import { describeTooFew, NOT_EXCLUDED } from '../../domain/roles.ts';
import { exclusionsOf, refuseExcludedFilters } from '../../domain/special-categories.ts';
import { RowNames, refuseMoreRows, type SetOwner } from '../../domain/user-sets.ts';
import { AppError, type ErrorDetail, messageOf } from '../../lib/errors.ts';
import { jsonPointer } from '../../lib/json-pointer.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { Estimates, Expected } from '../../service/ports/estimates.ts';
import type { CheckedValues } from '../../service/ports/populations.ts';
import { countFeatures } from '../campaigns/features.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findRowsOf, findUser } from '../user-sets/find-user.ts';
import { type EstimateSeed, type SeedItem, splitSeeds } from '../user-sets/seed-weights.ts';
import { refuseTooManyIds } from '../user-sets/user-id-list.ts';
import { type EstimateAnswer, estimate, estimateBody } from './estimate.ts';

/** Audience sizes (as shares of the candidates) for which an estimate returns results. */
const SHARES = ['0.01', '0.05', '0.1', '0.2'];

/** The global suppression list. */
const COMMON: SetOwner = { kind: 'common_suppression' };

type Why = readonly [code: NonNullable<EstimateAnswer['reason']>['code'], message: string];
type Told = Pick<EstimateAnswer, 'cohesion' | 'expected' | 'based_on' | 'reason'>;

export function addEstimateRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, store } = dependencies;

  app.post(
    '/v1/estimates',
    {
      ...describeRoute({
        config: { class: 'computed' },
        operationId: 'createEstimate',
        scope: 'read',
        labels: 'heeded',
        tags: ['campaigns'],
        summary: 'Estimate the quality of an audience from seeds',
        description: describeEstimate(config),
        body: estimateBody(config),
        response: { 200: json('The estimate.', estimate) },
        errors: ['unknown_feature', 'unknown_filter', 'unlabelled_category', 'excluded_filter', 'too_many_seeds'],
      }),
      preValidation: async (request) => {
        for (const field of ['seeds', 'negatives', 'suppression'] as const)
          refuseTooManyIds(request.body, field, config.maximumInlineSeeds);
      },
    },
    async (request) => {
      const { features, filters, category, negatives = [], suppression = [] } = request.body;
      const { negative_weight: negativeWeight } = request.body;
      // the served version is read only once, because it may change before the last user is looked up
      const { epoch, model, population } = dependencies.served();
      const { directory, rowOf } = population;
      const featureCounts = countFeatures(model.campaignFeatures, features);
      refuseUnknownFilters(population, filters);
      refuseExcludedFilters(exclusionsOf(population, category), filters);
      const checkValues = dependencies.populations.openValueCheck(population.features);
      const sent = await readSeeds(request.body.seeds, checkValues, config);
      const { rows, absent, counts } = await findRowsOf({ directory, rowOf }, sent.seeds, sent.features);
      const negativeRows = (await findRowsOf({ directory, rowOf }, negatives)).rows;
      const isNegative = new Set(negativeRows);
      const left = rows.filter((row) => !isNegative.has(row));
      const absentSeeds = estimatedSeeds(absent, sent, negatives, suppression);
      const have = { known: left.length, outside: absentSeeds.length, minimum: config.minimumSeeds };
      const answer = {
        seeds: { ...counts, suppressed: null, contradicting: rows.length - left.length },
        feature_counts: featureCounts,
        minimum: have.minimum,
        enough: have.known + have.outside >= have.minimum,
        excluded: null,
        candidates: null,
      };
      if (!answer.enough) {
        const what = rows.length === left.length ? 'in the population' : 'in the population and not negatives';
        return { ...answer, ...nothing('too_few_seeds', describeTooFew(have, what)) };
      }
      const suppressed = (await findRowsOf({ directory, rowOf }, suppression)).rows;
      const suppressionSet = await store.userSets.find(COMMON);
      const weights = weightsOf(left, sent.seedWeights, { directory, rowOf });
      const learned = { seeds: left, seedWeights: weights, absentSeeds, negatives: negativeRows, negativeWeight };
      const users = { ...learned, suppressed, suppressionSet };
      const task = { features, filters, category, epoch, ...users, ...boundsOf(config) };
      try {
        return { ...answer, ...tell(await dependencies.estimates.estimate(task, config.estimateTimeMs), answer) };
      } catch (error) {
        // the file of a suppression list is removed when the list changes
        if ((await store.userSets.find(COMMON)) !== suppressionSet) return { ...answer, ...nothing(...CHANGED) };
        request.log.error({ error: messageOf(error) }, 'an estimate failed');
        const message = `the service log has details under the request id ${request.id}`;
        return { ...answer, ...nothing('failed', message) };
      }
    },
  );
}

function describeEstimate(config: ServerDependencies['config']): string {
  return (
    'Nothing is stored. The response contains the numbers of known and unknown seeds. If there are enough ' +
    'known seeds, the model is adapted to some of the seeds, as in an expansion, and tested on the other ' +
    'seeds. Weights and negatives count as in a campaign. Filters, `suppression` and the global suppression list ' +
    'exclude the same users as in an expansion. Seeds with `features` who are not in the population teach the model but are ' +
    'not tested. ' +
    'Shares refer to the remaining candidates, and only seeds that match the filters are tested. An estimate ' +
    `has a time limit of ${config.estimateTimeMs} ms. If an estimate takes longer or has to wait for other ` +
    'estimates, `expected` is `null` and `reason` says why. The first request with millions of ids, or with ' +
    `filters on a large population, may exceed the limit. At most ${config.maximumEstimateSeeds} seeds and ` +
    `${grouped(config.maximumEstimateCandidates)} random candidates are used.`
  );
}

/** The weights of seeds by their rows; null if all have weight 1. */
function weightsOf(
  rows: Int32Array,
  weights: ReadonlyMap<string, number>,
  population: Parameters<typeof findUser>[0],
): Float64Array | null {
  if (weights.size === 0) return null;
  const byRow = new Map<number, number>();
  for (const [userId, weight] of weights) byRow.set(population.rowOf[findUser(population, userId)] ?? -1, weight);
  return Float64Array.from(rows, (row) => byRow.get(row) ?? 1);
}

function boundsOf({ minimumSeeds, maximumEstimateSeeds, maximumEstimateCandidates }: ServerDependencies['config']) {
  return { minimumSeeds, mostSeeds: maximumEstimateSeeds, mostCandidates: maximumEstimateCandidates };
}

/** Reasons why the engine returned no estimate. */
const NOT_NOW: Readonly<Record<'loading' | 'busy' | 'late', Why>> = {
  loading: ['loading', 'the model is being loaded for estimates, which takes seconds: try again'],
  busy: ['busy', 'other estimates are in progress: try again'],
  late: [
    'too_slow',
    'there was not enough time: try again, or create the campaign, whose expansion makes the same prediction',
  ],
};
const CHANGED: Why = ['busy', 'the global suppression list changed in the meantime: try again'];

/** The response with the results of the estimator. */
function tell(
  outcome: Awaited<ReturnType<Estimates['estimate']>>,
  answer: Pick<EstimateAnswer, 'seeds' | 'minimum'>,
): Told & Partial<EstimateAnswer> {
  if (outcome.kind !== 'estimate') {
    const counted = outcome.kind === 'late' && outcome.users !== null ? usersOf(outcome.users, answer) : {};
    return { ...counted, ...nothing(...NOT_NOW[outcome.kind]) };
  }
  const { users, expected } = outcome.estimate;
  const counted = usersOf(users, answer);
  if (!counted.enough) {
    const have = { known: users.seeds, outside: users.outside, minimum: answer.minimum };
    return { ...counted, ...nothing('too_few_seeds', describeTooFew(have, NOT_EXCLUDED)) };
  }
  if (expected === null) {
    const message = 'every user of the population is a seed, suppressed or filtered out';
    return { ...counted, ...nothing('no_candidates', message) };
  }
  const { verdict, reason, auc, recall, lift, drift } = expected.prediction;
  return {
    ...counted,
    // cohesion is the AUC of the held-out seeds before the correction for drift
    cohesion: drift?.auc_before ?? auc,
    expected: { verdict, reason, recall: few(recall), lift: few(lift), drift: drift ?? null },
    based_on: { seeds: expected.seeds, fitting_seeds: expected.fittingSeeds, candidates: expected.candidates },
    reason: null,
  };
}

function usersOf(
  { candidates, outside, ...excluded }: CountedUsers,
  { seeds, minimum }: Pick<EstimateAnswer, 'seeds' | 'minimum'>,
) {
  const suppressed = seeds.known - seeds.contradicting - excluded.seeds;
  return { seeds: { ...seeds, suppressed }, enough: excluded.seeds + outside >= minimum, excluded, candidates };
}

function few(values: Expected['recall']): Expected['recall'] {
  return Object.fromEntries(Object.entries(values).filter(([share]) => SHARES.includes(share)));
}

function nothing(...[code, message]: Why): Told {
  return { cohesion: null, expected: null, based_on: null, reason: { code, message } };
}

/** Number of seeds with features that are checked before other requests are handled. */
const SLICE_ROWS = 256;

interface EstimateSeeds extends ReturnType<typeof splitSeeds> {
  /** Features as JSON by user id. */
  readonly features: ReadonlyMap<string, string>;
}

/**
 * Returns the user ids, weights and features, as an upload of the same seeds would store them. If an id is repeated,
 * its last weight and features count.
 * @throws AppError invalid_request (with a pointer to the features), too_many_seeds
 */
async function readSeeds(
  sent: readonly EstimateSeed[],
  check: (values: unknown) => CheckedValues,
  { maximumSeedRows, maximumErrorDetails }: Pick<ServerConfig, 'maximumSeedRows' | 'maximumErrorDetails'>,
): Promise<EstimateSeeds> {
  const names = new RowNames();
  const features = new Map<string, string>();
  const named: SeedItem[] = [];
  const faults: ErrorDetail[] = [];
  let rows = 0;
  for (const [i, item] of sent.entries()) {
    const seed = typeof item === 'string' ? { user_id: item } : item;
    if (seed.features === undefined || seed.features === null) {
      // the schema allows only seeds with features to omit the id
      named.push(item as SeedItem);
      features.delete(seed.user_id!);
      continue;
    }
    refuseMoreRows(++rows, maximumSeedRows);
    if (rows % SLICE_ROWS === 0) await setImmediate();
    const checked = check(seed.features);
    if ('fault' in checked) {
      faults.push({ pointer: jsonPointer('seeds', i, 'features'), message: checked.fault });
      if (faults.length === maximumErrorDetails) break;
      continue;
    }
    const userId = seed.user_id ?? names.name(checked.json);
    named.push({ ...seed, user_id: userId });
    features.set(userId, checked.json);
  }
  const [first] = faults;
  if (first)
    throw new AppError('invalid_request', `the body is not valid: ${first.pointer}: ${first.message}`, {
      details: faults,
    });
  return { ...splitSeeds(named), features };
}

/** The seeds with features who are neither in the population (`absent`) nor on one of the lists `others`. */
function estimatedSeeds(
  absent: readonly string[],
  { features, seedWeights }: EstimateSeeds,
  ...others: readonly (readonly string[])[]
): EstimatedSeed[] {
  const isOther = new Set(others.flat());
  return absent.flatMap((userId) => {
    const own = features.get(userId);
    if (own === undefined || isOther.has(userId)) return [];
    return [{ userId, weight: seedWeights.get(userId) ?? 1, features: own }];
  });
}
