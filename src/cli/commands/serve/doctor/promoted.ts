/**
 * Examines the models that were promoted into the data folder: whether all are intact, and which one `serve` loads.
 */
import { join } from 'node:path';
import { counted } from '../../../../lib/text/counted.ts';
import { checkModels, type ModelsReport } from '../../../../model/check-models.ts';
import { MODELS_FOLDER } from '../../../../model/versions.ts';
import { describeBytes, type Finding, fine, warning } from './finding.ts';

const CHECK = 'promoted models';

/** `base` is the version of `--model`. */
export function examinePromoted(dataDir: string, base: string): Finding {
  const report = checkModels(join(dataDir, MODELS_FOLDER));
  // a changed --model takes precedence over earlier promotions
  return judge(report, describe(report, report.base === null || report.base === base));
}

function judge({ faults, leftovers }: ModelsReport, detail: string): Finding {
  const [fault] = faults;
  if (fault !== undefined)
    return warning(
      CHECK,
      `${detail}; ${fault.path} is damaged: ${fault.message}`,
      'Promote the damaged model again, or remove its folder: a rollback to this model would be refused.',
    );
  if (leftovers.length > 0)
    return warning(
      CHECK,
      `${detail}; ${leftovers.join(', ')} left by an interrupted promotion`,
      'If no promotion is running, remove the leftovers: metaheac verify --repair',
    );
  return fine(CHECK, detail);
}

function describe({ versions, bytes, served, base }: ModelsReport, isKept: boolean): string {
  const count = versions.length === 0 ? 'none' : `${counted(versions.length, 'version')}, ${describeBytes(bytes)}`;
  if (served === null) return `${count}: the model of --model is served`;
  if (isKept) return `${count}: ${served} is served`;
  return `${count}: the model named by --model is served, because it is newer than the promotion that replaced ${base}`;
}
