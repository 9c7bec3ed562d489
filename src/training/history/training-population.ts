/**
 * Prepares the users of a population folder for training. Unlike a data set, a population does not state how much of
 * each list a model reads.
 */
import { columnOf } from '../../lib/feature-kinds.ts';
import { isTokenColumn, openPopulation, type Population, startOf } from '../../population/read.ts';
import { keepTokens } from './kept-tokens.ts';
import { type ScaledFeature, withScales } from './number-scales.ts';
import { coveringLength } from './prepared-data-set.ts';

export interface TrainingPopulation {
  readonly population: Population;
  /** All features, with uncut lists. */
  readonly features: readonly ScaledFeature[];
  /** The same features, but lists are cut to the maximum length that a model reads, which covers nearly all lists. */
  readonly userFeatures: readonly ScaledFeature[];
}

/**
 * Opens the current version and keeps the `maximumTokens` most frequent tokens of each feature. Errors:
 * invalid_population.
 */
export function openTrainingPopulation(path: string, maximumTokens = Number.POSITIVE_INFINITY): TrainingPopulation {
  const population = openPopulation(path);
  const features = keepTokens(population, withScales(population, population.features), maximumTokens);
  return { population, features, userFeatures: withLengths(population, features) };
}

function withLengths(population: Population, features: readonly ScaledFeature[]): ScaledFeature[] {
  const lengths = new Map(
    features
      .filter(({ kind }) => columnOf(kind) === 'multi')
      .map(({ name }) => [name, new Int32Array(population.rowCount)]),
  );
  let first = 0;
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { columns, count } = population.readSegment(segment);
    for (const [name, own] of lengths) {
      const column = columns.get(name)!;
      if (!isTokenColumn(column)) continue;
      for (let row = 0; row < count; row++) own[first + row] = startOf(column, row + 1) - startOf(column, row);
    }
    first += count;
  }
  return features.map((feature) => {
    const own = lengths.get(feature.name);
    return own ? { ...feature, maxLength: coveringLength(own) } : feature;
  });
}
