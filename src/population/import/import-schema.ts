/** Checks the requested features of an import against its data set. */
import { join } from 'node:path';
import type { DataSet } from '../../dataset/data-set.ts';
import type { Feature } from '../../dataset/features.ts';
import { AppError } from '../../lib/errors.ts';

/** Names of the sensitive features. Only the data set says which features are sensitive; the model does not. */
export function sensitiveFeatures(dataSet: DataSet): ReadonlySet<string> {
  return new Set(dataSet.userFeatures.filter(({ sensitive }) => sensitive).map(({ name }) => name));
}

/** Throws AppError `invalid_data` if a feature is missing from the data set, or has a different kind or size there. */
export function checkSchema(dataSet: DataSet, features: readonly Feature[]): void {
  const where = join(dataSet.path, 'dataset.json');
  for (const { name, kind, size } of features) {
    const found = dataSet.userFeatures.find((feature) => feature.name === name);
    if (!found) throw new AppError('invalid_data', `${where}: the data set has no user feature "${name}"`);
    if (found.kind !== kind) {
      throw new AppError(
        'invalid_data',
        `${where}: the user feature "${name}" is of kind ${found.kind}; ${kind} is expected`,
      );
    }
    if (found.size !== size)
      throw new AppError(
        'invalid_data',
        `${where}: the vector "${name}" has ${found.size} numbers; ${size} are expected`,
      );
  }
}
