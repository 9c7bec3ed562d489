/** The groups into which a feature divides the users: the tokens of the feature, or bands of its numbers. */
import type { Feature } from '../dataset/features.ts';
import type { Code } from '../lib/brands.ts';
import { KINDS } from '../lib/feature-kinds.ts';
import {
  bandLabel,
  bandOf,
  type Column,
  isTokenColumn,
  type Population,
  quantileEdges,
  type TokenColumn,
} from '../population/read.ts';

/** Maximum number of bands of a numeric feature. */
const BANDS = 10;
/**
 * Maximum number of users in the sample from which bands are computed. The sample is evenly spread over the population.
 */
const MOST_SAMPLED = 100_000;

export interface ValueGroups {
  /** The highest code plus 1. */
  readonly size: number;
  token(code: Code): string;
  /**
   * Returns the codes of users, with 0 for a missing value. Returns null for a vector, whose values are not counted.
   */
  codesOf(column: Column): TokenColumn | null;
}

/** Returns the groups of each feature. If a feature has numbers, a sample of users is read. */
export function openValueGroups(
  population: Pick<Population, 'features' | 'rowCount' | 'readRows' | 'dictionary'>,
): ValueGroups[] {
  const step = Math.max(1, Math.ceil(population.rowCount / MOST_SAMPLED));
  const count = Math.ceil(population.rowCount / step);
  const hasNumbers = population.features.some(({ kind }) => KINDS[kind].explain === 'bands');
  const sample = hasNumbers ? population.readRows(Int32Array.from({ length: count }, (_, i) => i * step)) : null;
  return population.features.map((feature) => groupsOf(population, feature, sample?.columns.get(feature.name)));
}

function groupsOf(
  population: Pick<Population, 'dictionary'>,
  { name, kind }: Feature,
  sample: Column | undefined,
): ValueGroups {
  switch (KINDS[kind].explain) {
    case 'tokens': {
      const dictionary = population.dictionary(name);
      return {
        size: dictionary.size,
        token: (code) => dictionary.token(code),
        codesOf: (column) => (isTokenColumn(column) ? column : null),
      };
    }
    case 'bands':
      return bandGroups(sample?.kind === 'number' ? quantileEdges(sample.values, BANDS) : []);
    case null:
      return { size: 1, token: () => '', codesOf: () => null };
  }
}

function bandGroups(edges: readonly number[]): ValueGroups {
  const codeOf = (value: number) => (Number.isNaN(value) ? 0 : 1 + bandOf(value, edges));
  return {
    size: edges.length + 2,
    token: (code) => (code === 0 ? '' : bandLabel(code - 1, edges)),
    codesOf: (column) =>
      column.kind === 'number' ? { kind: 'single', codes: Int32Array.from(column.values, codeOf) } : null,
  };
}
