/** The model of an import: checks the schema, counts unknown tokens, and stores user sides. */
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { type ModelFolder, readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { bind } from '../../../online/binding.ts';
import { populationFeatures, type SourceSchema } from '../../../population/import.ts';
import { openPopulation } from '../../../population/read.ts';
import { storeImportedUserSides } from './store-user-sides.ts';
import { countUses } from './token-uses.ts';

interface ImportedVersion {
  readonly population: string;
  readonly version: string;
}

export interface ImportModel {
  /** Checks a schema before the import. Errors: AppError `invalid_argument`. */
  check(schema: SourceSchema, path: string): void;
  /** For each feature, the share of tokens that the model does not know. */
  unknownShares(imported: ImportedVersion): ReadonlyMap<string, number>;
  storeUserSides(imported: ImportedVersion, output: Output): Promise<void>;
}

/** Opens a model folder. @throws AppError invalid_model */
export function openImportModel(folder: string): ImportModel {
  const model = readModelFolder(folder);
  return {
    check: (schema, path) => checkModel(model, schema, path),
    unknownShares: ({ population, version }) => unknownShares(model, population, version),
    storeUserSides: (imported, output) => storeImportedUserSides({ ...imported, model: folder }, output),
  };
}

/**
 * Checks that the schema has every feature that the model reads, and that the kinds match. The schema may have more
 * features (for filters).
 */
function checkModel(model: ModelFolder, schema: SourceSchema, path: string): void {
  const features = populationFeatures(schema);
  for (const { name, kind, size } of model.manifest.features.user.map(featureOf)) {
    const found = features.find((feature) => feature.name === name);
    if (found?.kind === kind && found.size === size) continue;
    const wanted = `${kind}${size === undefined ? '' : ` of ${size}`}`;
    const is = found ? `is of kind ${found.kind}${found.size === undefined ? '' : ` of ${found.size}`}` : 'is missing';
    throw new AppError('invalid_argument', `${path}: the model reads the feature "${name}" (${wanted}), which ${is}`);
  }
}

function unknownShares(model: ModelFolder, out: string, version: string): Map<string, number> {
  const population = openPopulation(out, { version });
  const shares = new Map<string, number>();
  for (const [name, { unknown, tokens }] of countUses(bind(model, population), population))
    if (tokens > 0) shares.set(name, unknown / tokens);
  return shares;
}
