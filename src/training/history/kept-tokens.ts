/** Reduces the vocabulary of a feature with very many tokens to its most frequent tokens. */
import type { Feature } from '../../dataset/features.ts';
import { hasTokens } from '../../lib/feature-kinds.ts';
import { isTokenColumn, type Population } from '../../population/read.ts';

/** The tokens of a feature that a model learns. All other tokens are cut. */
export interface KeptTokens {
  /** The population's codes of the kept tokens, ascending. The model's token id is the position in this array + 1. */
  readonly codes: Int32Array;
  /** The model's token ids by the population's code; 0 means cut or missing. */
  readonly ids: Int32Array;
  /** The share of this feature's tokens, over all users, that was cut; repeated tokens count each time. */
  readonly cutShare: number;
}

/**
 * Returns `features` with vocabularies of more than `maximum` tokens cut to the tokens that are most frequent among the
 * users. Of tokens with equal counts, the tokens with lower codes are kept. The population is read once, or not at all
 * if nothing is cut.
 */
export function keepTokens<F extends Feature>(
  population: Population,
  features: readonly F[],
  maximum: number,
): readonly (F & { readonly kept?: KeptTokens })[] {
  const isCut = ({ name, kind }: Feature) => hasTokens(kind) && population.dictionary(name).size - 1 > maximum;
  const counts = new Map(
    features.filter(isCut).map(({ name }) => [name, new Float64Array(population.dictionary(name).size)]),
  );
  if (counts.size === 0) return features;
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { columns } = population.readSegment(segment);
    for (const [name, own] of counts) {
      const column = columns.get(name)!;
      if (isTokenColumn(column)) for (const code of column.codes) own[code]!++;
    }
  }
  return features.map((feature) => {
    const own = counts.get(feature.name);
    return own ? { ...feature, kept: mostFrequent(own, maximum) } : feature;
  });
}

/** Token counts by code; code 0 stands for a missing value. */
function mostFrequent(counts: Float64Array, maximum: number): KeptTokens {
  counts[0] = 0;
  const order = Int32Array.from({ length: counts.length - 1 }, (_, i) => i + 1);
  order.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const codes = order.slice(0, maximum).sort();
  const ids = new Int32Array(counts.length);
  for (const [i, code] of codes.entries()) ids[code] = i + 1;
  const sum = (codesOf: Int32Array) => codesOf.reduce((total, code) => total + counts[code]!, 0);
  return { codes, ids, cutShare: sum(order.subarray(maximum)) / Math.max(1, sum(order)) };
}
