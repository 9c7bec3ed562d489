/**
 * The scales that divide numbers into bands and standardise them, computed from the values of the users or of the train
 * campaigns.
 */

import type { Feature } from '../../dataset/features.ts';
import { columnOf, hasTokens } from '../../lib/feature-kinds.ts';
import type { NumberScale } from '../../model/architectures/feature-inputs.ts';
import { type Population, quantileEdges } from '../../population/read.ts';
import type { CampaignHistory } from './history.ts';
import type { KeptTokens } from './kept-tokens.ts';

/** A feature, with its scale if it has numbers, and with its kept tokens if some tokens are cut. */
export interface ScaledFeature extends Feature {
  readonly scale?: NumberScale;
  readonly kept?: KeptTokens;
}

/** Maximum number of bands of a number; there are fewer bands if there are few or tied values. */
const BANDS = 10;

/**
 * Maximum number of values from which band edges are computed. If there are more, the values of evenly spread users are
 * used, which give nearly the same edges.
 */
const MOST_VALUES = 1_000_000;

/**
 * Returns `features` with scales for those that have numbers. The population is read once, or not at all if no feature
 * has numbers.
 */
export function withScales(population: Population, features: readonly Feature[]): ScaledFeature[] {
  const collectors = new Map(
    features
      .filter(({ kind }) => !hasTokens(kind))
      .map((feature) => [feature.name, new ScaleCollector(feature, population.rowCount)]),
  );
  if (collectors.size === 0) return [...features];
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { columns } = population.readSegment(segment);
    for (const [name, collector] of collectors) {
      const column = columns.get(name)!;
      if ('values' in column) collector.add(column.values);
    }
  }
  return features.map((feature) => {
    const collector = collectors.get(feature.name);
    return collector ? { ...feature, scale: collector.scale() } : feature;
  });
}

/** The scales of campaign features, computed from the campaigns that a model learns from. */
export function withCampaignScales(
  campaigns: readonly Pick<CampaignHistory, 'features'>[],
  features: readonly Feature[],
): ScaledFeature[] {
  return features.map((feature) => {
    if (hasTokens(feature.kind)) return feature;
    const collector = new ScaleCollector(feature, campaigns.length);
    for (const { features: own } of campaigns) {
      const value = own[feature.name];
      if (value !== undefined) collector.add(Float32Array.from([value].flat().map(Number)));
    }
    return { ...feature, scale: collector.scale() };
  });
}

/** Collects rows of one feature; NaN is missing. */
class ScaleCollector {
  readonly #hasBands: boolean;
  readonly #every: number;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #values: number[] = [];
  #rows = 0;
  #known = 0;

  constructor(feature: Feature, rows: number) {
    this.#hasBands = columnOf(feature.kind) === 'number';
    this.#every = Math.max(1, Math.ceil(rows / MOST_VALUES));
    this.#sums = new Float64Array(feature.size ?? 1);
    this.#squares = new Float64Array(feature.size ?? 1);
  }

  add(values: Float32Array): void {
    const size = this.#sums.length;
    for (let from = 0; from < values.length; from += size, this.#rows++) {
      if (Number.isNaN(values[from]!)) continue;
      this.#known += 1;
      for (let i = 0; i < size; i++) {
        const value = values[from + i]!;
        this.#sums[i]! += value;
        this.#squares[i]! += value * value;
      }
      if (this.#hasBands && this.#rows % this.#every === 0) this.#values.push(values[from]!);
    }
  }

  /**
   * Computes a scale. A number that is equal for all users, or missing for all users, gets a deviation of 1, so its
   * standardised value is always 0.
   */
  scale(): NumberScale {
    const count = Math.max(1, this.#known);
    const means = Array.from(this.#sums, (sum) => sum / count);
    const deviations = Array.from(this.#squares, (sum, i) => {
      const variance = sum / count - means[i]! ** 2;
      return variance > 1e-12 * (sum / count) ? Math.sqrt(variance) : 1;
    });
    const edges = this.#hasBands ? quantileEdges(Float32Array.from(this.#values), BANDS) : [];
    return { edges, means, deviations };
  }
}
