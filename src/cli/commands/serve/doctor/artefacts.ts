/** Describes the model and the population, and examines whether they fit each other. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../../../lib/text/counted.ts';
import { checkModels, type ModelsReport } from '../../../../model/check-models.ts';
import type { ModelFolder } from '../../../../model/folder.ts';
import { MODELS_FOLDER } from '../../../../model/versions.ts';
import { bind } from '../../../../online/binding.ts';
import { Erasures, findKeyFault } from '../../../../population/erase.ts';
import { listFiles, type Population, readManifest } from '../../../../population/read.ts';
import { mayWrite } from '../../../../service/paths.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

/** A model trained on similar data knows at least this share of a feature's tokens. */
const LEAST_KNOWN = 0.5;
const PROMOTED = 'promoted models';

export function sizeOf({ path, manifest }: ModelFolder): number {
  return Object.keys(manifest.files).reduce((sum, file) => sum + statSync(join(path, file)).size, 0);
}

export function describeModel(model: ModelFolder): Finding {
  const { name, version, files } = model.manifest;
  const size = describeBytes(sizeOf(model));
  return fine('model', `${name} ${version}, ${Object.keys(files).length} files, ${size}, checksums match`);
}

/** Reports a missing key, without which no more users can be erased. Returns nothing if all is well. */
export function examineErasures(path: string): readonly Finding[] {
  const keyFault = new Erasures(path).count > 0 ? findKeyFault(path) : null;
  if (keyFault === null) return [];
  const advice = 'Restore the file from a backup: until then, no user can be erased or imported.';
  return [failed('erased users', keyFault, advice)];
}

/** Checks that the population has what the model needs, and that the model knows its tokens. */
export function examineBinding(model: ModelFolder, population: Population): Promise<readonly Finding[]> {
  const check = 'model and population';
  const advice = 'Train the model on data with these features, or import them into the population.';
  return findings(check, advice, () => {
    const { features } = bind(model, population);
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

export function describePopulation({ path, version }: Population): Finding {
  const manifest = readManifest(path, version);
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

/** `base` is the version of `--model`. */
export function examinePromoted(dataDir: string, base: string): Finding {
  const report = checkModels(join(dataDir, MODELS_FOLDER));
  // a changed --model takes precedence over earlier promotions
  return judgePromoted(report, describePromoted(report, report.base === null || report.base === base));
}

function judgePromoted({ faults, leftovers }: ModelsReport, detail: string): Finding {
  const [fault] = faults;
  if (fault !== undefined)
    return warning(
      PROMOTED,
      `${detail}; ${fault.path} is damaged: ${fault.message}`,
      'Promote the damaged model again, or remove its folder: a rollback to this model would be refused.',
    );
  if (leftovers.length > 0)
    return warning(
      PROMOTED,
      `${detail}; ${leftovers.join(', ')} left by an interrupted promotion`,
      'If no promotion is running, remove the leftovers: metaheac verify --repair',
    );
  return fine(PROMOTED, detail);
}

function describePromoted({ versions, bytes, served, base }: ModelsReport, isKept: boolean): string {
  const count = versions.length === 0 ? 'none' : `${counted(versions.length, 'version')}, ${describeBytes(bytes)}`;
  if (served === null) return `${count}: the model of --model is served`;
  if (isKept) return `${count}: ${served} is served`;
  return `${count}: the model named by --model is served, because it is newer than the promotion that replaced ${base}`;
}
