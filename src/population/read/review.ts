/** For each feature of a version, counts the users with a value and the uses of each token. */

import type { Population } from './population.ts';
import { countValues, isTokenColumn } from './segments.ts';

/** Counts for one feature of a version. Serialisable. */
export interface FeatureUse {
  readonly name: string;
  /** Number of users who have a value. */
  readonly users: number;
  /** Number of occurrences of each token, by code. Repeats within a list count. Null for features without tokens. */
  readonly uses: Uint32Array | null;
}

/** Reviews all features, in order, in one pass over the segments. @throws AppError invalid_population */
export function countUses(population: Population): FeatureUse[] {
  const counts = population.features.map(({ name }) => ({
    name,
    users: 0,
    uses: new Uint32Array(population.dictionary(name).size),
    hasTokens: false,
  }));
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { columns, count } = population.readSegment(segment);
    for (const one of counts) {
      const column = columns.get(one.name)!;
      one.users += countValues(column, count);
      if (!isTokenColumn(column)) continue;
      one.hasTokens = true;
      for (const code of column.codes) if (code !== 0) one.uses[code]! += 1;
    }
  }
  return counts.map(({ name, users, uses, hasTokens }) => ({ name, users, uses: hasTokens ? uses : null }));
}
