/**
 * Examines the models that were promoted into the data folder: whether they are intact, and which one `serve` loads.
 */
import { join } from 'node:path';
import { counted } from '../../../../lib/text/counted.ts';
import { checkModels, type ModelsReport } from '../../../../model/check-models.ts';
import { MODELS_FOLDER, SERVED_FILE } from '../../../../model/versions.ts';
import { examineModel, type ModelFacts } from './artefacts.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

const CHECK = 'promoted models';

export interface PromotedFacts {
  readonly findings: readonly Finding[];
  /**
   * The model that `serve` loads instead of `--model`; null if `serve` loads `--model` or the promoted model is
   * unusable.
   */
  readonly served: ModelFacts | null;
}

/** `base` is the version of `--model`, or null if that model cannot be read. */
export async function examinePromoted(dataDir: string, base: string | null): Promise<PromotedFacts> {
  const models = join(dataDir, MODELS_FOLDER);
  let served: ModelFacts | null = null;
  const found = await findings(CHECK, 'Check the disk and the owner of the files.', async () => {
    const report = checkModels(models);
    // a changed --model takes precedence over earlier promotions
    const isKept = report.base === null || base === null || report.base === base;
    const isTaken = report.served !== null && isKept && report.served !== base;
    const fault = report.faults.find(({ path }) => path === SERVED_FILE || (isTaken && path === report.served));
    if (fault !== undefined) return [failed(CHECK, `${fault.path}: ${fault.message}`, MEND)];
    if (isTaken) served = await examineModel(join(models, report.served!));
    return [judge(report, describe(report, isKept))];
  });
  return { findings: found, served };
}

const MEND = 'serve does not start: promote a model again, or restore the folder of models from a backup.';

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
