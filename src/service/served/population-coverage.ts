/** Measures the share of a population version's values that the served model does not know. */

import type { ModelFolder } from '../../model/folder.ts';
import type { FeatureUse, Population } from '../../population/read.ts';
import type { FeatureCoverage } from '../ports/populations.ts';

/** Computes coverage by feature from the number of users with each token. */
export function coverageOf(
  { vocabularies }: Pick<ModelFolder, 'vocabularies'>,
  population: Pick<Population, 'dictionary'>,
  uses: readonly FeatureUse[],
): FeatureCoverage[] {
  return uses.map(({ name, users, uses: counts }) => {
    const none = { name, users, values: null, unknownValues: null, unknownShare: null };
    if (counts === null) return none;
    const vocabulary = vocabularies.get(`user.${name}`);
    const dictionary = population.dictionary(name);
    let [values, all, unknownValues, unknown] = [0, 0, 0, 0];
    counts.forEach((count, code) => {
      if (count === 0) return;
      values += 1;
      all += count;
      if (vocabulary === undefined || vocabulary.find(dictionary.token(code)) !== 0) return;
      unknownValues += 1;
      unknown += count;
    });
    if (vocabulary === undefined) return { ...none, values };
    return { name, users, values, unknownValues, unknownShare: all === 0 ? 0 : unknown / all };
  });
}
