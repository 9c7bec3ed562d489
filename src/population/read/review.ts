/** Coverage and uses of tokens among the users of a version, by feature. */
import { countValues } from './coverage.ts';
import type { Population } from './population.ts';
import { isTokenColumn } from './segments.ts';

/** One feature of a version. Serialisable. */
export interface FeatureUse {
  readonly name: string;
  /** Number of users who have a value. */
  readonly users: number;
  /** Number of occurrences of each token by code, including repeats in lists; null for features without tokens. */
  readonly uses: Uint32Array | null;
}

/** Reviews each feature, in order, with one pass over the segments. @throws AppError invalid_population */
export function countUses(population: Population): FeatureUse[] {
  const counts = population.features.map(({ name }) => ({
    ...{ name, users: 0, uses: new Uint32Array(population.dictionary(name).size), hasTokens: false },
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
