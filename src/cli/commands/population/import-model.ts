/** The model of an import: checks the schema, counts unknown tokens, and stores user sides. */
import { availableParallelism } from 'node:os';
import { storeUserSides } from '../../../engine/engine-start.ts';
import { AppError } from '../../../lib/errors.ts';
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import { type ModelFolder, readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { type Binding, bind } from '../../../online/binding.ts';
import { type EncodingCounts, encodeUsers } from '../../../online/encode.ts';
import { populationFeatures, type SourceSchema } from '../../../population/import.ts';
import { openPopulation, type Population } from '../../../population/read.ts';
import { settingsOf } from '../../settings.ts';

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

/**
 * An error here is reported only as a note, because the import has succeeded, and a service computes any user sides
 * that are not stored.
 */
export async function storeImportedUserSides(
  imported: { readonly model: string; readonly population: string; readonly version: string },
  output: Output,
): Promise<void> {
  const { model, population, version: populationVersion } = imported;
  const config = { model, population, populationVersion, device: 'auto', threads: availableParallelism() };
  try {
    const { userSideBytes } = settingsOf({}).values.limits;
    const made = await storeUserSides(config, userSideBytes, (done, all) =>
      output.progress(`user sides: ${done} of ${all} segments`),
    );
    if (made?.end === null) output.result('  the user sides for the model are stored');
    else if (made !== null) {
      const { stored, segments } = made;
      output.note(
        `metaheac: the user sides of only ${stored} of ${segments} segments are stored, because user_side_bytes is ` +
          `${userSideBytes}`,
      );
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    output.note(`metaheac: the user sides for the model are not stored: ${error.message}`);
  }
}

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
