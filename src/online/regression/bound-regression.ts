/**
 * A model's whole-population regression, bound to a population. It computes the population's covariance once, and reads
 * the features of each campaign's users.
 */

import { type Feeds, type LinearChange, type SessionOptions, sliceFeeds } from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';
import type { CampaignPrior } from '../../model/campaign-prior.ts';
import type { AdaptableModel } from '../../model/load.ts';
import { type Manifest, type PopulationRegressionSettings, regressionParameter } from '../../model/manifest.ts';
import { type Column, type Rows, SegmentMemory, type UserRows } from '../../population/read.ts';
import type { Binding, BoundFeature } from '../binding.ts';
import { encodeUsers, IdArrays, type RowRange } from '../encode.ts';
import type { Sides } from '../negatives.ts';
import type { OwnToken } from '../own-token.ts';
import { addRows, type ColumnSums, emptySums } from './covariance.ts';
import {
  fitSideBySide,
  MOST_FEATURES,
  type PopulationRegression,
  populationRegression,
} from './population-regression.ts';
import { priorWithout } from './prior-without.ts';
import { RowProducts } from './products.ts';
import { readSums, writeSums } from './regression-cache.ts';
import { openRegressionReader, READ_ROWS, type RegressionReader } from './regression-reader.ts';
import { evenRows, meanOfRows, multiplySparseRows, type SparseRows } from './sparse-rows.ts';
import type { Directions } from './weight-prior.ts';

/**
 * Maximum total size of the fits made in advance: enough for six sets of seeds with eight settings of 150,000 elements.
 */
const MOST_PREPARED_BYTES = 2 ** 26;

/** The users of a campaign, ready for fits. */
export interface CampaignRegression {
  /**
   * Fits several sets of seeds at once, which is faster than calling `fit` for each. `fit` then returns these results,
   * which are bit-for-bit identical to separately computed results. Fits that are too large to keep are left to `fit`.
   */
  prepare(sets: readonly SeedSet[], settings: readonly PopulationRegressionSettings[]): void;
  /**
   * Fits each of the settings to the seeds at these positions among the campaign's users. The seeds are compared with
   * all users or with `others`. `weights` are the seeds' weights in their mean. Calls with the same array of positives
   * must also pass the same `others` and `weights`.
   */
  fit(
    positives: Int32Array,
    settings: readonly PopulationRegressionSettings[],
    others?: MatchedUsers | null,
    weights?: Float32Array,
  ): readonly LinearChange[];
}

/** The arguments of `fit`. */
export interface SeedSet {
  readonly positives: Int32Array;
  readonly others: MatchedUsers | null;
  /** The weights of the seeds, with mean 1; by default all are equal. */
  readonly weights?: Float32Array | undefined;
}

/**
 * Users with whom the seeds are compared, some inside and some outside a campaign's filters, as positions among the
 * campaign's users.
 */
export interface MatchedUsers extends Sides<Int32Array> {
  /**
   * Weight of the mean of the users outside the filters; the remaining weight is that of the mean of the users inside.
   */
  readonly share: number;
}

export interface BoundRegression {
  /** Number of elements of the parameter. */
  readonly width: number;
  /** The factor of each column at this power, `[width]`; 0 for a column that no user has. */
  scaleOf(power: number): Float64Array;
  /** Standard deviation of dot(x, weights) over the population, or over a sample of it. */
  deviationOf(weights: Float64Array): number;
  /**
   * Prepares the users of a campaign. `users` are the model's inputs for `rows` users, with `without` removed. The
   * priors leave out `campaign`, because the model may have been trained on this campaign.
   */
  forUsers(users: Feeds, rows: number, without: OwnToken | null, campaign: string | null): Promise<CampaignRegression>;
  close(): Promise<void>;
}

export interface RegressionSource {
  readonly model: Pick<AdaptableModel, 'graph' | 'priors'> & { readonly manifest: Pick<Manifest, 'adaptation'> };
  readonly population: UserRows;
  readonly binding: Binding;
  /** Past campaigns to leave out of the priors, in addition to the campaign itself. */
  readonly maskedCampaigns?: readonly string[];
}

export interface RegressionOptions extends Pick<SessionOptions, 'device' | 'keepsMemory'> {
  /** Cache file for the sums over the population, which are computed once per model and population version. */
  readonly cache?: string;
  /**
   * Maximum number of features (over all users) from which the covariance is computed. Audiences depend on this number;
   * the default is the service's value.
   */
  readonly mostFeatures?: number;
}

/**
 * Reads a sample of the population's users, after reading the whole population if its sums are not cached yet. Returns
 * null if the model has no regression.
 */
export async function openBoundRegression(
  { model: { graph, manifest, priors = [] }, population, binding, maskedCampaigns = [] }: RegressionSource,
  { cache, mostFeatures = MOST_FEATURES, ...options }: RegressionOptions = {},
): Promise<BoundRegression | null> {
  const { adaptation } = manifest;
  const parameter = adaptation.optimiser === 'gradient_descent' ? regressionParameter(adaptation) : null;
  if (parameter === null) return null;
  const reader = await openRegressionReader(graph, parameter, options);
  const read = (rows: Rows): Promise<SparseRows> => {
    const users = encodeUsers(graph, binding, rows);
    return reader.read(rows.count, (from, to) => sliceFeeds(users, from, to));
  };
  const known = cache === undefined ? null : readSums(cache, reader.width, population.rowCount);
  const into = new IdArrays();
  const encode = (rows: Rows, range: RowRange) => encodeUsers(graph, binding, rows, { range, into });
  const sums = known ?? (await sumsOf(population, reader, encode));
  if (cache !== undefined && known === null) writeSums(cache, sums);
  const features = sums.counts.reduce((sum, count) => sum + count, 0);
  const products = new RowProducts(
    await read(population.readRows(evenRows(population.rowCount, features, mostFeatures))),
  );
  const byPower = new Map<number, PopulationRegression>();
  const regressionOf = (power: number): PopulationRegression => {
    const regression = byPower.get(power) ?? populationRegression(products, sums, power);
    byPower.set(power, regression);
    return regression;
  };
  const solveWith =
    (priorOf: (power: number) => Directions): Solve =>
    (fits) =>
      fitSideBySide(
        products,
        fits.map(({ settings, mean, seeds, ...compared }) => {
          const [{ power, prior: strength }] = settings as [PopulationRegressionSettings];
          const prior = strength === undefined ? null : { of: priorOf(power), strength };
          const strengths = settings.map((setting) => setting.strength);
          return regressionOf(power).plan(mean, seeds, strengths, { ...compared, prior });
        }),
      );
  /** The element of the parameter for a campaign's own token; -1 if the campaign has no such token. */
  const elementOf = async (token: OwnToken | null): Promise<number> =>
    token === null ? -1 : ((await read(userWith(token, binding))).columns[0] ?? -1);
  return {
    width: reader.width,
    scaleOf: (power) => regressionOf(power).scale,
    deviationOf: (weights) => deviationOf(multiplySparseRows(products.rows, weights)),
    async forUsers(users, rows, without, campaign) {
      const features = await reader.read(rows, (from, to) => sliceFeeds(users, from, to));
      const leftOut = await elementOf(without);
      const own = new Map<number, Directions>();
      const priorOf = (power: number): Directions => {
        const left = campaign === null ? maskedCampaigns : [campaign, ...maskedCampaigns];
        const prior = own.get(power) ?? priorWithout(getPrior(priors, power), left, regressionOf(power).scale);
        own.set(power, prior);
        return prior;
      };
      return campaignRegression(parameter, features, leftOut, solveWith(priorOf));
    },
    close: () => reader.close(),
  };
}

/** A fit to the mean of the seeds, for all settings that share one Krylov space. */
interface SpaceFit {
  readonly settings: readonly PopulationRegressionSettings[];
  readonly mean: Float64Array;
  readonly seeds: number;
  readonly without: number;
  readonly otherMean: Float64Array | null;
}

/** Returns the weights of each fit, by setting. */
type Solve = (fits: readonly SpaceFit[]) => Float64Array[][];

function campaignRegression(
  parameter: string,
  features: SparseRows,
  without: number,
  solve: Solve,
): CampaignRegression {
  const fitted = new WeakMap<Int32Array, Map<string, LinearChange>>();
  const fittedTo = (positives: Int32Array): Map<string, LinearChange> => {
    const own = fitted.get(positives) ?? new Map<string, LinearChange>();
    fitted.set(positives, own);
    return own;
  };
  const prepare: CampaignRegression['prepare'] = (sets, settings) => {
    const fits = sets.flatMap(({ positives, others, weights }) => {
      const into = fittedTo(positives);
      const missing = settings.filter((setting) => !into.has(keyOf(setting)));
      if (missing.length === 0) return [];
      const mean = meanOfRows(features, positives, weights);
      const compared = { without, otherMean: others && meanOfMatched(features, others) };
      // settings with equal power and prior share a Krylov space
      return Array.from(Map.groupBy(missing, spaceOf).values(), (together) => ({
        into,
        fit: { settings: together, mean, seeds: positives.length, ...compared },
      }));
    });
    for (const [i, weights] of solve(fits.map(({ fit }) => fit)).entries()) {
      const { into, fit } = fits[i]!;
      for (const [k, elements] of weights.entries())
        into.set(keyOf(fit.settings[k]!), { parameter, elements, own: multiplySparseRows(features, elements) });
    }
  };
  return {
    prepare(sets, settings) {
      const elements = features.width + features.starts.length - 1;
      const bytes = settings.length * elements * Float64Array.BYTES_PER_ELEMENT;
      prepare(sets.slice(0, Math.floor(MOST_PREPARED_BYTES / bytes)), settings);
    },
    fit(positives, settings, others = null, weights = undefined) {
      prepare([{ positives, others, weights }], settings);
      const own = fittedTo(positives);
      return settings.map((setting) => own.get(keyOf(setting))!);
    },
  };
}

function keyOf(setting: PopulationRegressionSettings): string {
  return `${setting.strength}/${spaceOf(setting)}`;
}

function spaceOf({ power, prior }: PopulationRegressionSettings): string {
  return `${power}/${prior ?? 0}`;
}

function getPrior(priors: readonly CampaignPrior[], power: number): CampaignPrior {
  const prior = priors.find((own) => own.power === power);
  assert(prior, `a regression of power ${power} has a prior, but the model has no prior of that power`);
  return prior;
}

function deviationOf(values: Float64Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

/**
 * The mean over users. Users outside the filters have the given share of the weight; if nobody is outside, the mean is
 * over the users inside alone.
 */
function meanOfMatched(features: SparseRows, { inside, outside, share }: MatchedUsers): Float64Array {
  const own = meanOfRows(features, inside);
  if (share === 0 || outside.length === 0) return own;
  const other = meanOfRows(features, outside);
  return own.map((value, t) => value + share * (other[t]! - value));
}

async function sumsOf(
  population: UserRows,
  reader: RegressionReader,
  encode: (rows: Rows, range: RowRange) => Feeds,
): Promise<ColumnSums> {
  const sums = emptySums(reader.width);
  const memory = new SegmentMemory();
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const rows = population.readSegment(segment, memory);
    // slices fit into the processor's cache
    for (let from = 0; from < rows.count; from += READ_ROWS) {
      const range = { from, to: Math.min(from + READ_ROWS, rows.count) };
      addRows(sums, await reader.read(range.to - from, () => encode(rows, range)));
    }
  }
  return sums;
}

/** A user with a single token. */
function userWith({ feature, id }: OwnToken, { features }: Binding): Rows {
  const columns = features.map((bound): [string, Column] => {
    const { name, tokenIds } = bound;
    const code = name === feature ? tokenIds.indexOf(id) : -1;
    const codes = Int32Array.from(code === -1 ? [] : [code]);
    return [name, columnOfOne(bound, codes)];
  });
  return { count: 1, userNumbers: Int32Array.of(0), columns: new Map(columns) };
}

/** The column of a feature for a single user with the given codes; numbers are treated as missing. */
function columnOfOne({ kind, size }: BoundFeature, codes: Int32Array): Column {
  switch (kind) {
    case 'number':
      return { kind, size: 1, values: Float32Array.of(Number.NaN) };
    case 'vector':
      return { kind, size, values: new Float32Array(size).fill(Number.NaN) };
    case 'multi':
      return { kind, offsets: Int32Array.of(0, codes.length), codes };
    case 'single':
      return { kind, codes: Int32Array.of(codes[0] ?? 0) };
  }
}
