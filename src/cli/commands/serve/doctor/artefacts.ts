/** Examines the model, the population, and whether they fit each other. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../lib/errors.ts';
import { counted } from '../../../../lib/text/counted.ts';
import { type ModelFolder, readModelFolder } from '../../../../model/folder.ts';
import { bind } from '../../../../online/binding.ts';
import { Erasures, findKeyFault } from '../../../../population/erase.ts';
import {
  findCurrentVersion,
  listFiles,
  type Manifest,
  openPopulation,
  publishedAt,
  readManifest,
  verifyVersion,
} from '../../../../population/read.ts';
import { mayWrite } from '../../../../service/paths.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

/** A model trained on similar data knows at least this share of a feature's tokens. */
const LEAST_KNOWN = 0.5;

export interface ModelFacts {
  readonly findings: readonly Finding[];
  /** The version of the population; null if it cannot be read. */
  readonly model: ModelFolder | null;
  readonly sizeBytes: number;
}

export interface PopulationFacts {
  readonly findings: readonly Finding[];
  readonly manifest: Manifest | null;
  /** Creation time in ms since 1970; 0 if it cannot be read. */
  readonly publishedAt: number;
  /** Whether the population can be opened, as far as the examination shows. */
  readonly isWhole: boolean;
}

/** Checks the manifest, the contract, the sha256 of every file, and the vocabularies. */
export async function examineModel(path: string): Promise<ModelFacts> {
  let model: ModelFolder | null = null;
  let sizeBytes = 0;
  const advice = 'Train or import the model again, or copy an intact model here.';
  const found = await findings('model', advice, () => {
    model = readModelFolder(path);
    const { name, version, files } = model.manifest;
    const paths = Object.keys(files);
    sizeBytes = paths.reduce((sum, file) => sum + statSync(join(path, file)).size, 0);
    const size = describeBytes(sizeBytes);
    return [fine('model', `${name} ${version}, ${paths.length} files, ${size}, checksums match`)];
  });
  return { findings: found, model, sizeBytes };
}

/**
 * Examines the manifest and erasures of the current version. The startup checks open the version and read every file.
 */
export async function examinePopulation(path: string): Promise<PopulationFacts> {
  let manifest: Manifest | null = null;
  let at = 0;
  const advice = 'Import the population again, or go back: metaheac population rollback';
  const found = await findings('population', advice, () => {
    const version = findCurrentVersion(path);
    if (version === null)
      throw new AppError('invalid_population', `${path} is not a population: it has no file named current`);
    const read = readManifest(path, version);
    verifyVersion(path, read, 'sizes');
    manifest = read;
    at = publishedAt(path, version);
    return [describePopulation(path, read)];
  });
  const erasures = manifest === null ? [] : await examineErasures(path);
  const all = [...found, ...erasures];
  return { findings: all, manifest, publishedAt: at, isWhole: all.every(({ status }) => status !== 'failed') };
}

/** Examines the erasures; the result is empty if they are intact. */
function examineErasures(path: string): Promise<readonly Finding[]> {
  const check = 'erased users';
  return findings(
    check,
    `serve will not start until the erasures are repaired: metaheac population repair ${path}`,
    () => {
      const keyFault = new Erasures(path).count > 0 ? findKeyFault(path) : null;
      if (keyFault === null) return [];
      return [
        failed(check, keyFault, 'Restore the file from a backup: until then, no user can be erased or imported.'),
      ];
    },
  );
}

/** Checks that the population has what the model needs, and that the model knows its tokens. */
export function examineBinding(model: ModelFolder, population: string): Promise<readonly Finding[]> {
  const check = 'model and population';
  const advice = 'Train the model on data with these features, or import them into the population.';
  return findings(check, advice, () => {
    const { features } = bind(model, openPopulation(population, { trusted: true }));
    const strange = features.find(({ tokenIds, unknownTokens }) => {
      const tokens = tokenIds.length - 1;
      return tokens > 0 && 1 - unknownTokens / tokens < LEAST_KNOWN;
    });
    if (strange === undefined)
      return [fine(check, `the population has all ${features.length} user features of the model`)];
    const { name, unknownTokens, tokenIds } = strange;
    return [
      warning(
        check,
        `the model does not know ${unknownTokens} of the ${tokenIds.length - 1} tokens of "${name}"`,
        'Audiences will be poor if the unknown tokens are frequent: train the model on this data.',
      ),
    ];
  });
}

function describePopulation(path: string, manifest: Manifest): Finding {
  const size = describeBytes(listFiles(path, manifest).reduce((sum, file) => sum + file.size, 0));
  const counts = `${counted(manifest.rows, 'user')}, ${counted(manifest.segments.length, 'segment')}`;
  const detail = `${manifest.version}, ${counts}, ${size}, checksums match`;
  if (mayWrite(path)) return fine('population', detail);
  return warning(
    'population',
    `${detail}, and the folder is not writable`,
    'Make the folder writable: otherwise users cannot be erased, and a cache is rebuilt at each start.',
  );
}
