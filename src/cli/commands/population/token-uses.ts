/** Counts how many of a population's tokens a model knows. */
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Binding } from '../../../online/binding.ts';
import { type EncodingCounts, encodeUsers } from '../../../online/encode.ts';
import type { Population } from '../../../population/read.ts';

/**
 * For each feature, counts the occurrences of known and unknown tokens in the population, in one pass. @throws AppError
 * invalid_population
 */
export function countUses({ features }: Binding, population: Population): ReadonlyMap<string, EncodingCounts> {
  const ofTokens = features.filter(({ kind }) => hasTokens(kind));
  const uses = new Map(ofTokens.map(({ name }) => [name, { unknown: 0, tokens: 0, dropped: 0 }]));
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const rows = population.readSegment(segment);
    for (const feature of ofTokens)
      encodeUsers(null, { features: [feature] }, rows, { counts: uses.get(feature.name)! });
  }
  return uses;
}
